// What every part of the page works with.
import { loadBundle, type Config } from './config';
import { Contract } from './chain/contract';
import { Node } from './chain/node';
import type { Plain } from './chain/scale';
import { BlockReader } from './chain/reader';
import { Index, type Ref } from './index/index';
import type { ContractEvent } from './chain/node';
import type { EvidenceFile } from './verify/evidence';

/** How often a contract is asked again because the chain went on. */
const MOST_ATTEMPTS = 5;

export class App {
  readonly index = new Index();
  readonly reader: BlockReader;
  /** Evidence files that were dropped in, in this window only. */
  readonly evidence: EvidenceFile[] = [];
  private readonly listeners = new Set<() => void>();

  private constructor(
    readonly config: Config,
    readonly node: Node,
    readonly contracts: Map<string, Contract>,
  ) {
    this.reader = new BlockReader(
      node,
      (event) => this.index.take(event),
      () => this.changed(),
    );
  }

  static async start(config: Config, url: string): Promise<App> {
    const kinds = [...new Set(config.contracts.map((one) => one.bundle))];
    const bundles = new Map(await Promise.all(kinds.map(async (kind) => [kind, await loadBundle(kind)] as const)));
    const contracts = config.contracts.map((one) => new Contract(one, bundles.get(one.bundle) ?? {}));
    const node = await Node.connect(url, config.genesis_hash);
    node.use(contracts);
    const app = new App(config, node, new Map(contracts.map((contract) => [contract.name, contract])));
    node.onDisconnected(() => {
      app.reader.progress.failure ??= 'the connection to the node was lost';
      app.changed();
    });
    return app;
  }

  contract(name: string): Contract {
    const contract = this.contracts.get(name);
    if (!contract) {
      throw new Error(`no contract ${name} is deployed here`);
    }
    return contract;
  }

  /** Reads one event again, with all its fields. */
  async event(ref: Ref): Promise<ContractEvent> {
    const found = (await this.node.eventsOf(ref.block)).find((event) => event.index === ref.index);
    if (!found) {
      throw new Error(`block ${ref.block} has no event ${ref.index} any more`);
    }
    return found;
  }

  /** Asks a contract in the state that the index is of, so that the two can be compared. */
  async ask(contract: Contract, message: string, args: unknown[]): Promise<Plain> {
    for (let attempt = 1; ; attempt += 1) {
      await this.reader.caughtUp();
      const { read } = this.reader.progress;
      const answer = await this.node.ask(read, contract, message, args);
      // A block that came meanwhile may have changed what is asked for.
      if (read === this.reader.progress.read || attempt === MOST_ATTEMPTS) {
        return answer;
      }
    }
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed(): void {
    this.listeners.forEach((listener) => listener());
  }

  async stop(): Promise<void> {
    this.reader.stop();
    this.listeners.clear();
    await this.node.disconnect();
  }
}
