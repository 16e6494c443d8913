/** The libpod REST service over whichever engine it is given. */
export { LibpodApi } from "@cryopod/rest"
