//! `quittance contract`: any message of any contract, by the bundle's metadata.
use std::path::PathBuf;

use serde_json::json;

use super::deploy::OneShot;
use crate::chain::{
    bundle::Bundle,
    contracts::{Contract, StorageDeposit},
    Chain, Deployment, Follower,
};

/// Asks a contract, or with --execute makes it act.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The contract's name in the deployment.
    name: String,
    /// The message; without one, the contract's messages are listed.
    message: Option<String>,
    /// Its arguments: 4711, true, 0x…, an SS58 address, Native, Some(1), [1, 2].
    args: Vec<String>,
    /// The node: ws://host:port or wss://host:port.
    #[arg(long, default_value = "ws://127.0.0.1:9944")]
    url: String,
    /// What `quittance deploy` wrote.
    #[arg(long, default_value = "deployment.json")]
    deployment: PathBuf,
    /// Directory of the contract bundles.
    #[arg(long, default_value = "target/contracts")]
    bundles: PathBuf,
    /// Submit the call and wait for finality; without it nothing is changed.
    #[arg(long)]
    execute: bool,
    /// The caller: a key file, or //Alice and the like on a development chain.
    #[arg(long, required_if_eq("execute", "true"))]
    key: Option<String>,
    /// Native tokens to send along, in the smallest unit.
    #[arg(long, default_value_t = 0)]
    value: u128,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The arguments don't fit, or chain or contract refuse.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let bundle = Bundle::find(&args.bundles, &args.name)?;
    let Some(message) = &args.message else {
        return list(&bundle, args.json);
    };
    let input = bundle.encode(message, &args.args)?;
    let deployment = Deployment::load(&args.deployment)?;
    let address = deployment.contract(&args.name)?.address;
    // A question needs no key: the contract asks itself.
    let client = match &args.key {
        Some(key) => Some(OneShot::connect(&args.url, key).await?),
        None => None,
    };
    let (chain, follower, caller) = match &client {
        Some(client) => (
            client.chain.clone(),
            client.follower.clone(),
            client.submitter.account(),
        ),
        None => {
            let chain = Chain::connect(&args.url).await?;
            (chain.clone(), Follower::start(chain).await?, address)
        }
    };
    deployment.ensure_on(chain.genesis())?;
    let contract = Contract::new(chain.clone(), follower, address, caller);
    let run = contract.dry_run(input.clone(), args.value, None).await?;
    let output = match &run.result {
        Ok(output) => output,
        Err(why) => anyhow::bail!("the chain refuses: {why}"),
    };
    let result = bundle.decode_result(message, &output.data)?;
    let mut report = json!({
        "result": result,
        "refused": output.reverted,
        "weight": run.gas_required,
        "storage_deposit": run.storage_deposit,
    });
    if let (Some(client), true) = (&client, args.execute && !output.reverted) {
        let runtime = chain.runtime()?;
        let call = contract.call(&runtime, args.value, run.gas_required, input)?;
        let done = client.submitter.submit(message, call).await?;
        report["block"] = json!(done.block.number);
        report["block_hash"] = json!(protocol::text::to_hex(&done.block.hash));
        report["extrinsic_hash"] = json!(protocol::text::to_hex(&done.extrinsic));
    }
    if args.json {
        println!("{report}");
    } else {
        println!("result   {}", serde_json::to_string_pretty(&report["result"])?);
        let weight = run.gas_required;
        println!(
            "weight   {} ref_time, {} proof_size",
            weight.ref_time, weight.proof_size
        );
        match run.storage_deposit {
            StorageDeposit::Charge(amount) => println!("deposit  {amount} charged"),
            StorageDeposit::Refund(amount) => println!("deposit  {amount} refunded"),
        }
        if let Some(block) = report["block"].as_u64() {
            println!("finalized in block {block}");
        }
    }
    anyhow::ensure!(!output.reverted, "{} refuses {message}; nothing was changed", args.name);
    Ok(())
}

fn list(bundle: &Bundle, json: bool) -> anyhow::Result<()> {
    let messages = bundle.messages();
    if json {
        println!("{}", serde_json::to_string(&messages)?);
        return Ok(());
    }
    for message in messages {
        let arguments: Vec<String> = message
            .arguments
            .iter()
            .map(|argument| format!("{}: {}", argument.name, argument.type_name))
            .collect();
        let kind = match (message.mutates, message.payable) {
            (true, true) => "  (changes state, takes tokens)",
            (true, false) => "  (changes state)",
            _ => "",
        };
        println!("{}({}){kind}", message.name, arguments.join(", "));
        for line in message.docs.lines() {
            println!("    {}", line.trim());
        }
    }
    Ok(())
}
