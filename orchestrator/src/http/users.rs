//! The institution's users: whose signatures it takes, and for how much.
use axum::{extract::State, http::StatusCode};
use protocol::{fees::Service, AccountId, Amount};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, Path},
    schema, Api,
};
use crate::store::users::User;

/// The users resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(put, read))
}

/// What the institution knows of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRecord {
    /// The user's sr25519 public key: signs its requests.
    #[serde(with = "protocol::text::bytes")]
    #[schema(value_type = schema::Bytes32)]
    pub public_key: [u8; 32],
    /// Where the user's assets are.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub wallet: AccountId,
    /// What the user's account at this institution holds. Taken when the user is new; from then on only payments move
    /// it.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub balance: Amount,
    /// The most that one transaction may move.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub limit: Amount,
    /// The most that payments may take from the account in one day of UTC, by the institution's clock; no limit if it
    /// is absent.
    #[serde(default, with = "protocol::text::optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub daily_limit: Option<Amount>,
    /// The kinds of payments that the user may use; all if it is absent.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Service>>)]
    pub services: Option<Vec<Service>>,
    /// Every request of a blocked user is refused.
    #[serde(default)]
    pub blocked: bool,
}

/// A user with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// The number that the institution knows the user by.
    pub number: String,
    /// What is known.
    pub record: UserRecord,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            number: user.number,
            record: UserRecord {
                public_key: user.public_key,
                wallet: user.wallet,
                balance: user.balance,
                limit: user.limit,
                daily_limit: user.daily_limit,
                services: user.services,
                blocked: user.blocked,
            },
        }
    }
}

/// Creates or changes a user.
#[utoipa::path(put, path = "/v1/users/{number}", tag = "users", security(("bearer" = [])),
    params(
        ("number" = String, Path, description = "The user's number, 1 to 64 bytes"),
        ("Idempotency-Key" = String, Header, description = "Names the change: the same for repetitions"),
    ),
    request_body = UserRecord,
    responses(
        (status = 204, description = "As asked"),
        schema::WriteProblems
    ))]
async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path(number): Path<String>,
    Json(record): Json<UserRecord>,
) -> Result<StatusCode, ApiError> {
    caller.require(Permission::KeepUsers)?;
    tracing::Span::current().record("user", number.as_str());
    api.settlement
        .put_user(&User {
            number,
            public_key: record.public_key,
            wallet: record.wallet,
            balance: record.balance,
            limit: record.limit,
            daily_limit: record.daily_limit,
            services: record.services,
            blocked: record.blocked,
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One user.
#[utoipa::path(get, path = "/v1/users/{number}", tag = "users", security(("bearer" = [])),
    params(("number" = String, Path, description = "The user's number")),
    responses(
        (status = 200, description = "What the institution knows of it", body = UserView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(number): Path<String>) -> Result<Json<UserView>, ApiError> {
    match api.settlement.user(&number).await? {
        Some(user) => Ok(Json(user.into())),
        None => Err(ApiError::NotFound {
            what: "user",
            id: number,
        }),
    }
}

/// All users, by number.
#[utoipa::path(get, path = "/v1/users", tag = "users", security(("bearer" = [])), responses(
    (status = 200, description = "All of them", body = [UserView]),
    schema::ReadProblems
))]
async fn list(State(api): State<Api>) -> Result<Json<Vec<UserView>>, ApiError> {
    let users = api.settlement.users().await?;
    Ok(Json(users.into_iter().map(Into::into).collect()))
}
