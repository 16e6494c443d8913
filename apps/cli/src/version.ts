/** Version of this program; the packages of the project are released together. */
export const version = "0.1.0"

/** Version of the libpod API that commands and documents follow. */
export const libpodVersion = "5.4.2"

/** Version of Docker's API that Podman of that version answers for. */
export const dockerVersion = "1.41"
