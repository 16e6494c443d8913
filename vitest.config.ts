import { defineConfig } from "vitest/config"

/** Tests run from the sources: no build stands between an edit and its test. */
const sources = { ssr: { resolve: { conditions: ["cryopod-source"] } } }

/** What hangs ends at some time; a slow machine, or one with much else to do, is no failure. */
const real = { testTimeout: 600_000, hookTimeout: 600_000 }

/** Tests that count what the whole machine has, or how much memory there is. */
const alone = ["test/real/leaks.test.ts", "test/real/memory.test.ts"]

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
          ...real,
          name: "real",
          include: ["packages/*/test/**/*.integration.test.ts", "test/real/**/*.test.ts"],
          exclude: [...alone, "**/node_modules/**"],
          // they wait more than they work
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...sources,
        test: { ...real, name: "real-alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
      // run by one of the real tests, on a host of its own
      { ...sources, test: { ...real, name: "conformance", include: ["test/conformance/**/*.test.ts"] } },
    ],
  },
})
