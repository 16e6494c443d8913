/** What no engine can do for a client of a service. */
import type { Lacks } from "@cryopod/entities/testing/suite"

export const lacksOfServices = {
  transports: {
    because: "paths of the service's host are no business of its clients",
    cases: ["layers go out compressed as they are asked for"],
  },
} satisfies Lacks
