import { defineConfig } from 'vite';

// Relative paths: the page can be served at /audit/ or anywhere else. Nothing is inlined, so that a strict
// Content-Security-Policy needs no exception for scripts, styles or images.
export default defineConfig({
  base: './',
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 2_000, modulePreload: { polyfill: false } },
});
