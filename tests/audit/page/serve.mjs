// Serves the built page as an orchestrator does, from a deployment file and bundles: for whoever works on the page.
//
//   node serve.mjs --dist ../../../orchestrator/audit-page/dist --deployment deployment.json --bundles DIR \
//     --node ws://127.0.0.1:9944 [--port 8090]
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** The same as the orchestrator's: what the page needs, and nothing else. */
export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; " +
  "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function serve({ dist, deployment, bundles, node, port = 0 }) {
  const { genesis_hash, contracts } = JSON.parse(readFileSync(deployment, 'utf8'));
  const config = {
    node_url: node,
    genesis_hash,
    contracts: contracts.map(({ name, address, code_hash }) => ({
      name,
      address,
      code_hash,
      bundle: name.replace(/^(credit|prepaid)_\d+$/, '$1'),
    })),
  };
  const known = new Set(config.contracts.map(({ bundle }) => bundle));
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    const json = (text) => response.setHeader('Content-Type', 'application/json').end(text);
    const bundle = /^\/audit\/bundles\/([a-z-]+)\.json$/.exec(path)?.[1];
    if (path === '/audit/config.json') {
      return json(JSON.stringify(config));
    }
    if (bundle && known.has(bundle)) {
      return json(readFileSync(join(bundles, `${bundle}.json`)));
    }
    const file = normalize(join(dist, path.replace(/^\/audit\/?/, '') || 'index.html'));
    if (!path.startsWith('/audit/') || !file.startsWith(normalize(dist)) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
      return response.writeHead(404).end();
    }
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    return createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => resolve({ server, url: `http://127.0.0.1:${server.address().port}/audit/` }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { dist: text, deployment: text, bundles: text, node: text, port: text } });
  const { url } = await serve({ ...values, port: Number(values.port ?? 8090) });
  console.log(url);
}
