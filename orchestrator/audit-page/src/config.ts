// What the orchestrator that serves this page says of the deployment: public files beside the page.
export interface Deployed {
  name: string;
  address: string;
  code_hash: string;
  /** The file in `bundles/` that it was made from, without its ending. */
  bundle: string;
}

export interface Config {
  /** The node that a browser reads from, if there is one for everybody. */
  node_url: string | null;
  genesis_hash: string;
  contracts: Deployed[];
}

export async function loadConfig(): Promise<Config> {
  return (await json('config.json')) as Config;
}

export function loadBundle(name: string): Promise<Record<string, unknown>> {
  return json(`bundles/${encodeURIComponent(name)}.json`) as Promise<Record<string, unknown>>;
}

async function json(path: string): Promise<unknown> {
  const answer = await fetch(path, { cache: 'no-cache' });
  if (!answer.ok) {
    throw new Error(`${path} can't be read from here: ${answer.status} ${answer.statusText}`);
  }
  return answer.json();
}
