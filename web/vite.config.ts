import { defineConfig } from 'vitest/config';

/** Where `npm run dev` sends requests to the API. */
const server = process.env.SLIPWAY_SERVER ?? 'http://127.0.0.1:7878';

export default defineConfig({
  // Every address is relative to the `<base>` of the page, which the server writes: the page works behind a path prefix.
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    // The policy of the page allows files of the server alone, no `data:` scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/api': {
        target: server,
        changeOrigin: true,
        configure: (proxy) => proxy.on('proxyReq', (request) => request.removeHeader('origin')),
      },
    },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
});
