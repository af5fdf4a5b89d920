/**
 * Builds the dashboard into dist/web: hashed files in assets/, each also compressed, so that the service only sends
 * bytes. `npm run web:dev` serves it with the API of a service on port 4000 behind it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const root = path.dirname(fileURLToPath(import.meta.url));
const output = path.join(root, '../dist/web');
const service = process.env.FUSECAST_URL ?? 'http://127.0.0.1:4000';

export default defineConfig({
  root,
  resolve: { dedupe: ['react', 'react-dom', 'graphql'] },
  build: {
    outDir: output,
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy lets scripts and styles come from the service only.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4_000,
    manifest: true,
    rolldownOptions: {
      // Libraries say where their parts run under server components, which are not used here.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
  server: { proxy: { '/graphql': service, '/objects': service, '/sign-in/openid': service } },
  plugins: [{ name: 'compress', closeBundle: compressOutput }],
});

/** Writes FILE.br and FILE.gz beside what is worth it. */
function compressOutput() {
  for (const name of readdirSync(output, { recursive: true })) {
    if (!/\.(js|css|svg|html|ttf)$/.test(name)) continue;
    const file = path.join(output, name);
    const bytes = readFileSync(file);
    // The highest level takes seconds for large chunks, and gains little.
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
    writeFileSync(`${file}.gz`, gzipSync(bytes));
  }
}
