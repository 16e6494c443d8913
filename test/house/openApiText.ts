/** The OpenAPI document as it is committed. */
import { LibpodApi } from "@cryopod/rest"
import * as OpenApi from "effect/http-api/OpenApi"

export const openApiText = `${JSON.stringify(OpenApi.fromApi(LibpodApi), undefined, 1)}\n`
