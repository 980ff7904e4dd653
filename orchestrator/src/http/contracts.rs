//! Any message of any contract that is deployed here, encoded and decoded by the contract's metadata.
use axum::{body::Bytes, extract::State};
use protocol::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, OperationKey, Path},
    ports::{BlockInfo, CallError, ContractCall, ContractInfo, DryRun},
    schema, Api,
};

/// The path of calls, which may be dry runs and then need no `Idempotency-Key`.
pub const CALL_PATH: &str = "/v1/contracts/{name}/{message}";

/// The contracts resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(call))
}

/// What to send.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// The arguments as text, in the message's order.
    #[serde(default)]
    args: Vec<String>,
    /// Native tokens to send with it.
    #[serde(default, with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    value: Amount,
    /// Submit it and wait for finality. Otherwise it is only tried.
    #[serde(default)]
    execute: bool,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallResult {
    /// What the message returned when it was tried, and what it costs; unknown when an earlier request with the same
    /// key, whose answer was lost, submitted it.
    dry_run: Option<DryRun>,
    /// The finalized block that holds it, if it was executed.
    block: Option<BlockInfo>,
}

/// Whether a body asks for execution. An unreadable body doesn't: the handler then says what is wrong with it.
pub fn executes(body: &Bytes) -> bool {
    serde_json::from_slice::<CallRequest>(body).is_ok_and(|request| request.execute)
}

/// The contracts deployed here, and those of their messages that the token may use.
#[utoipa::path(get, path = "/v1/contracts", tag = "contracts", security(("bearer" = [])), responses(
    (status = 200, description = "Every contract with its permitted messages", body = [ContractInfo]),
    schema::ReadProblems
))]
async fn list(State(api): State<Api>, caller: Caller) -> Json<Vec<ContractInfo>> {
    let mut contracts = api.chain.contracts();
    for contract in &mut contracts {
        let name = &contract.name;
        contract.messages.retain(|message| caller.may_use(name, &message.name));
    }
    Json(contracts)
}

/// Tries a message, and submits it when asked. `Idempotency-Key` is needed for execution only.
#[utoipa::path(post, path = "/v1/contracts/{name}/{message}", tag = "contracts", security(("bearer" = [])),
    params(
        ("name" = String, Path, description = "The contract"),
        ("message" = String, Path, description = "Its message"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the execution: the same for repetitions"),
    ),
    request_body = CallRequest,
    responses(
        (status = 200, description = "Tried, and executed if asked", body = CallResult),
        schema::WriteProblems
    ))]
async fn call(
    State(api): State<Api>,
    caller: Caller,
    key: Option<OperationKey>,
    Path((contract, message)): Path<(String, String)>,
    Json(request): Json<CallRequest>,
) -> Result<Json<CallResult>, ApiError> {
    if !caller.may_use(&contract, &message) {
        return Err(ApiError::MessageNotAllowed {
            message: format!("{contract}.{message}"),
        });
    }
    if request.execute {
        caller.require(Permission::ExecuteMessages)?;
    }
    let call = ContractCall {
        contract,
        message,
        args: request.args,
        value: request.value,
    };
    if !request.execute {
        let dry_run = api.chain.dry_run(&call).await?;
        return Ok(Json(CallResult {
            dry_run: Some(dry_run),
            block: None,
        }));
    }
    let OperationKey(key) = key.ok_or(ApiError::IdempotencyKeyMissing)?;
    let executed = api.chain.execute(&key, &call).await?;
    Ok(Json(CallResult {
        dry_run: executed.dry_run,
        block: Some(executed.block.into()),
    }))
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        let code = match error {
            CallError::UnknownContract(_) => "unknown-contract",
            CallError::UnknownMessage(_) => "unknown-message",
            CallError::BadArguments(_) => "bad-arguments",
            CallError::Refused(_) => "contract-refused",
            CallError::Ledger(error) => return error.into(),
        };
        ApiError::Refused {
            code: code.into(),
            detail: error.to_string(),
        }
    }
}
