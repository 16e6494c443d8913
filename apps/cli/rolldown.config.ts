import { defineConfig } from "rolldown"

/** One small entry that answers `--version` by itself, and a chunk with everything else. */
export default defineConfig({
  input: { main: "src/main.ts" },
  platform: "node",
  resolve: { conditionNames: ["cryopod-source", "import", "node", "default"] },
  output: {
    dir: "dist",
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
    minify: true,
    sourcemap: false,
    cleanDir: false,
  },
})
