/** The names that a container may have (libpod `define.NameRegex`). */
export const isContainerName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)
