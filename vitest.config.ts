import { defineConfig } from "vitest/config"

/** Tests run from the sources: no build stands between an edit and its test. */
const sources = { ssr: { resolve: { conditions: ["cryopod-source"] } } }

export default defineConfig({
  ...sources,
  test: {
    projects: [
      {
        ...sources,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "test/house/**/*.test.ts"],
          exclude: ["**/*.integration.test.ts", "**/node_modules/**"],
        },
      },
      {
        ...sources,
        test: {
          name: "real",
          include: ["packages/*/test/**/*.integration.test.ts", "test/real/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
