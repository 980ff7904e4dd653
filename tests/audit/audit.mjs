// What an auditor reads with polkadot.js and the contracts' bundles alone: the institutions, a payment's relation and
// clearing voucher, the settlement balances, and every event that the contracts emitted since the first block.
//
//   node audit.mjs --url ws://127.0.0.1:9944 --deployment deployment.json --bundles DIR --voucher 0x…
//
// Prints one JSON object. Ends with 1 when something can't be read or decoded.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { ContractPromise } from '@polkadot/api-contract';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    deployment: { type: 'string' },
    bundles: { type: 'string' },
    voucher: { type: 'string' },
  },
});
for (const name of ['url', 'deployment', 'bundles', 'voucher']) {
  if (!values[name]) {
    console.error(`--${name} is missing`);
    process.exit(2);
  }
}

const NATIVE = 'Native';

const api = await ApiPromise.create({ provider: new WsProvider(values.url), noInitWarn: true });
try {
  const deployment = JSON.parse(readFileSync(values.deployment, 'utf8'));
  if (api.genesisHash.toHex() !== deployment.genesis_hash) {
    throw new Error(`the contracts were deployed on ${deployment.genesis_hash}, this is ${api.genesisHash.toHex()}`);
  }
  const contracts = Object.fromEntries(
    deployment.contracts.map(({ name, address }) => {
      // credit_7 is the contract of credit node 7, made from the bundle that all credit nodes' are made from.
      const file = `${name.replace(/_\d+$/, '')}.contract`;
      const bundle = JSON.parse(readFileSync(join(values.bundles, file), 'utf8'));
      return [name, new ContractPromise(api, bundle, address)];
    }),
  );
  const found = await events(contracts);
  const report = await read(contracts, values.voucher, found);
  report.events = found;
  console.log(JSON.stringify(report));
} finally {
  await api.disconnect();
}

// Calls a message without a transaction. Any account may ask; this one need not exist.
async function ask(contract, message, ...args) {
  const gasLimit = api.registry.createType('WeightV2', { refTime: 500_000_000_000n, proofSize: 5_000_000n });
  const { result, output } = await contract.query[message](contract.address, { gasLimit, storageDepositLimit: null }, ...args);
  if (result.isErr) {
    throw new Error(`${message}: ${result.asErr.toString()}`);
  }
  // What every ink! message returns is wrapped in a Result of its own.
  if (output.isErr) {
    throw new Error(`${message}: ${output.asErr.toString()}`);
  }
  return output.asOk.toJSON();
}

async function read({ registry, clearing }, voucher, found) {
  // The chain keeps a digest of a voucher; the voucher itself stands in the event that told of its retention.
  const retained = found
    .filter(({ contract, event }) => contract === 'clearing' && event.endsWith('Retained'))
    .flatMap(({ fields }) => fields.vouchers)
    .find(({ id }) => id === voucher);
  if (!retained) {
    throw new Error(`no voucher ${voucher} was retained`);
  }
  const institutions = await ask(registry, 'institutions', 0);
  const members = await ask(registry, 'members', institutions.map((institution) => institution.member));
  const relation = await ask(clearing, 'retention', retained.voucher);
  const debtors = [...new Set(relation.relation.obligations.map((owed) => owed.debtor))];
  const discharges = {};
  const balances = {};
  for (const debtor of debtors) {
    discharges[debtor] = await ask(clearing, 'clearingVoucher', voucher, debtor);
  }
  for (const { member } of institutions) {
    balances[member] = await ask(clearing, 'balance', member, NATIVE);
  }
  return { institutions, members, relation, discharges, balances };
}

// Every contract event from the first block to the latest finalized one, decoded by the bundle of its contract.
async function events(contracts) {
  const byAddress = new Map(Object.entries(contracts).map(([name, contract]) => [contract.address.toString(), [name, contract]]));
  const last = (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber();
  const found = [];
  for (let number = 1; number <= last; number += 1) {
    const at = await api.at(await api.rpc.chain.getBlockHash(number));
    for (const record of await at.query.system.events()) {
      if (!api.events.contracts.ContractEmitted.is(record.event)) {
        continue;
      }
      const [name, contract] = byAddress.get(record.event.data.contract.toString()) ?? [];
      if (contract) {
        const { event, args } = contract.abi.decodeEvent(record);
        const fields = Object.fromEntries(event.args.map((arg, index) => [arg.name, args[index].toJSON()]));
        found.push({ block: number, contract: name, event: event.identifier, fields });
      }
    }
  }
  return found;
}
