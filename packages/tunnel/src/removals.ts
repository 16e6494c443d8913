/** Reports of removals in one answer, as items. */
import type { FailureClass, Item, Items, ServiceFailure } from "@cryopod/entities"
import { failureOn, type InstanceOf } from "@cryopod/rest"
import * as Result from "effect/Result"

/** What was removed by one request, and what was not: only our service tells of that. */
export const removals = <const Classes extends ReadonlyArray<FailureClass>>(
  reports: ReadonlyArray<{ readonly name: string; readonly failure?: unknown }>,
  classes: Classes,
): Items<string, InstanceOf<Classes[number]> | ServiceFailure> =>
  reports.map(({ failure, name }): Item<string, InstanceOf<Classes[number]> | ServiceFailure> => ({
    input: name,
    result: failure === undefined ? Result.succeed(name) : Result.fail(failureOn(classes, failure)),
  }))
