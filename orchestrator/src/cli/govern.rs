//! `quittance govern`: a change of the registry, signed by its governors.
use std::path::PathBuf;

use anyhow::{ensure, Context};
use protocol::{
    registry::{Change, Error, GovernorSignature, Roles, Status},
    signing::{payload, Domain, Purpose},
    text, Lei, Member, Signature, Timestamp,
};
use serde::Deserialize;
use serde_json::json;

use super::deploy::OneShot;
use crate::{
    chain::{contracts::Contract, deployment::from_ss58, Chain, Deployment, Follower},
    identity::SigningKey,
};

/// How long signatures hold where nothing else is said, in milliseconds: an hour.
const VALIDITY: Timestamp = 3_600_000;

/// Changes the registry with its governors' signatures.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node: ws://host:port or wss://host:port.
    #[arg(long)]
    url: String,
    /// What `quittance deploy` wrote.
    #[arg(long, default_value = "deployment.json")]
    deployment: PathBuf,
    /// The change, e.g. {"set_status": {"member": 2, "status": "Suspended"}}. Others: register, set_keys, set_roles,
    /// set_notary_threshold, set_governors.
    #[arg(long)]
    change: PathBuf,
    /// Signs with this governor's key (a key file, or //Alice and the like); may be given several times.
    #[arg(long = "governor-key")]
    governor_keys: Vec<String>,
    /// A signature made elsewhere with --sign-only, as PLACE:0x…; may be given several times.
    #[arg(long = "signature", requires = "expires_at")]
    signatures: Vec<String>,
    /// Until when the signatures hold, in milliseconds since 1970: everybody signs the same. Default: in an hour.
    #[arg(long)]
    expires_at: Option<Timestamp>,
    /// Print the signatures and change nothing.
    #[arg(long, requires = "governor_keys")]
    sign_only: bool,
    /// Pays and submits: a key file, or //Alice and the like on a development chain.
    #[arg(long, required_unless_present = "sign_only")]
    key: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A change as people write it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Written {
    Register {
        lei: Lei,
        account: String,
        signing_key: String,
        certificate: String,
        roles: Vec<Role>,
    },
    SetKeys {
        member: Member,
        account: String,
        signing_key: String,
        certificate: String,
    },
    SetRoles {
        member: Member,
        roles: Vec<Role>,
    },
    SetStatus {
        member: Member,
        status: Status,
    },
    SetNotaryThreshold(u16),
    SetGovernors {
        keys: Vec<String>,
        threshold: u16,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Participant,
    Notary,
    CreditNode,
    CardIssuer,
    Regulator,
}

/// Runs the command.
///
/// # Errors
/// The change is malformed, signatures are missing, or the registry refuses.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let written = std::fs::read(&args.change).with_context(|| args.change.display().to_string())?;
    let change = read(&written).with_context(|| format!("{} is no change", args.change.display()))?;
    let deployment = Deployment::load(&args.deployment)?;
    let address = deployment.contract("registry")?.address;
    let keys = args
        .governor_keys
        .iter()
        .map(|reference| Ok(SigningKey::load(reference)?))
        .collect::<anyhow::Result<Vec<_>>>()?;

    let chain = Chain::connect(&args.url).await?;
    deployment.ensure_on(chain.genesis())?;
    let follower = Follower::start(chain.clone()).await?;
    let registry = Contract::new(chain.clone(), follower.clone(), address, address);
    let (governors, threshold): (Vec<[u8; 32]>, u16) = registry.read("governors", &()).await?;
    let epoch: u32 = registry.read("epoch", &()).await?;
    let expires_at = match args.expires_at {
        Some(time) => time,
        None => follower.head().timestamp.saturating_add(VALIDITY),
    };

    let domain = Domain {
        genesis: chain.genesis(),
        contract: address,
        epoch,
    };
    let signed = payload(&domain, Purpose::Governance, &change.digest(), expires_at, &());
    let mut signatures = Vec::new();
    for key in &keys {
        let place = governors.iter().position(|governor| *governor == key.public());
        let place = place.with_context(|| format!("{} is no governor", text::to_hex(&key.public())))?;
        signatures.push(GovernorSignature {
            governor: u16::try_from(place)?,
            signature: key.sign(&signed),
        });
    }
    for made in &args.signatures {
        signatures.push(elsewhere(made).with_context(|| format!("--signature {made}: expected PLACE:0x…"))?);
    }
    signatures.sort_by_key(|signature| signature.governor);

    if args.sign_only {
        return print_signatures(&signatures, epoch, expires_at, args.json);
    }
    ensure!(
        signatures.len() >= usize::from(threshold),
        "{} signatures are there, the registry asks for {threshold}",
        signatures.len()
    );
    let client = OneShot::connect(&args.url, args.key.as_deref().unwrap_or_default()).await?;
    let registry = Contract::new(
        client.chain.clone(),
        client.follower.clone(),
        address,
        client.submitter.account(),
    );
    let call = registry
        .prepare::<(), Error>("apply", &(&change, expires_at, &signatures), 0)
        .await?;
    let done = client.submitter.submit("apply", call).await?;
    let epoch = epoch.saturating_add(1);
    if args.json {
        println!("{}", json!({ "block": done.block.number, "epoch": epoch }));
    } else {
        println!(
            "the registry is changed, finalized in block {}; the epoch is {epoch}",
            done.block.number
        );
    }
    Ok(())
}

fn print_signatures(
    signatures: &[GovernorSignature],
    epoch: u32,
    expires_at: Timestamp,
    json: bool,
) -> anyhow::Result<()> {
    if json {
        let list: Vec<_> = signatures
            .iter()
            .map(|made| format!("{}:{}", made.governor, made.signature))
            .collect();
        println!(
            "{}",
            json!({ "signatures": list, "epoch": epoch, "expires_at": expires_at })
        );
        return Ok(());
    }
    println!("epoch {epoch}; pass these with the same change:\n--expires-at {expires_at}");
    for made in signatures {
        println!("--signature {}:{}", made.governor, made.signature);
    }
    Ok(())
}

fn elsewhere(made: &str) -> anyhow::Result<GovernorSignature> {
    let (place, signature) = made.split_once(':').context("the colon is missing")?;
    Ok(GovernorSignature {
        governor: place.parse()?,
        signature: signature.parse::<Signature>()?,
    })
}

fn read(text: &[u8]) -> anyhow::Result<Change> {
    let account = |address: String| from_ss58(&address).map_err(anyhow::Error::msg);
    Ok(match serde_json::from_slice(text)? {
        Written::Register {
            lei,
            account: address,
            signing_key,
            certificate,
            roles,
        } => Change::Register {
            lei,
            account: account(address)?,
            signing_key: text::from_hex(&signing_key)?,
            certificate: text::from_hex(&certificate)?,
            roles: together(&roles),
        },
        Written::SetKeys {
            member,
            account: address,
            signing_key,
            certificate,
        } => Change::SetKeys {
            member,
            account: account(address)?,
            signing_key: text::from_hex(&signing_key)?,
            certificate: text::from_hex(&certificate)?,
        },
        Written::SetRoles { member, roles } => Change::SetRoles {
            member,
            roles: together(&roles),
        },
        Written::SetStatus { member, status } => Change::SetStatus { member, status },
        Written::SetNotaryThreshold(threshold) => Change::SetNotaryThreshold(threshold),
        Written::SetGovernors { keys, threshold } => Change::SetGovernors {
            keys: keys.iter().map(|key| text::from_hex(key)).collect::<Result<_, _>>()?,
            threshold,
        },
    })
}

fn together(roles: &[Role]) -> Roles {
    roles.iter().fold(Roles(0), |all, role| {
        all.with(match role {
            Role::Participant => Roles::PARTICIPANT,
            Role::Notary => Roles::NOTARY,
            Role::CreditNode => Roles::CREDIT_NODE,
            Role::CardIssuer => Roles::CARD_ISSUER,
            Role::Regulator => Roles::REGULATOR,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_as_people_write_them() {
        let suspend = br#"{"set_status": {"member": 2, "status": "Suspended"}}"#;
        let expected = Change::SetStatus {
            member: Member(2),
            status: Status::Suspended,
        };
        assert_eq!(read(suspend).unwrap(), expected);
        let roles = br#"{"set_roles": {"member": 2, "roles": ["participant", "notary"]}}"#;
        let expected = Change::SetRoles {
            member: Member(2),
            roles: Roles(3),
        };
        assert_eq!(read(roles).unwrap(), expected);
        assert!(read(br#"{"set_roles": {"member": 2, "roles": ["king"]}}"#).is_err());
        assert!(read(br#"{"set_status": {"member": 2, "status": "Active", "why": 1}}"#).is_err());
    }

    #[test]
    fn a_signature_made_elsewhere_names_its_place() {
        let made = elsewhere(&format!("3:{}", Signature([7; 64]))).unwrap();
        assert_eq!((made.governor, made.signature), (3, Signature([7; 64])));
        assert!(elsewhere("0x07").is_err());
    }
}
