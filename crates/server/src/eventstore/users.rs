//! The Users service: accounts, as the protocol speaks of them.

use std::pin::Pin;

use futures::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status};
use waystation_api::event_store::client::users as wire;
use waystation_api::event_store::client::users::details_resp::UserDetails;
use waystation_api::event_store::client::users::details_resp::user_details::DateTime;
use waystation_api::event_store::client::users::users_server::Users;
use waystation_app::{App, Envelope};
use waystation_domain::account::CreateAccount;
use waystation_domain::{Channel, Reason, Rejection, Role};

use crate::Api;
use crate::eventstore::acl;
use crate::fields::Fields;
use crate::identity::denied;
use crate::principal::principal;
use crate::status::status;

const LOGIN: &str = "options.login_name";

/// Role and station of an account that groups describe.
fn role_and_station(groups: &[String]) -> Option<(Role, &str)> {
    let known = |name: &&String| Role::parse(name).is_some();
    let mut roles = groups.iter().filter(known);
    let role = Role::parse(roles.next()?)?;
    let mut others = groups.iter().filter(|name| !known(name) && !name.starts_with('$'));
    let station = others.next()?;
    (roles.next().is_none() && others.next().is_none()).then_some((role, station))
}

fn login(name: &str) -> Result<String, Status> {
    let mut fields = Fields::default();
    let id = fields.id(LOGIN, name);
    fields.finish()?;
    Ok(id)
}

/// Details of an account; its absence is an error as the rules tell it.
async fn details(app: &App, id: &str) -> Result<UserDetails, Status> {
    let found = app.account_of(id).await.map_err(|error| status(&error, id))?;
    let Some((account, changed_us)) = found else {
        return Err(refused(Reason::AccountMissing, id));
    };
    let groups = account.role.map(|role| acl::groups(role, &account.station));
    Ok(UserDetails {
        login_name: id.to_owned(),
        full_name: id.to_owned(),
        groups: groups.unwrap_or_default(),
        last_updated: Some(DateTime {
            ticks_since_epoch: changed_us.saturating_mul(10),
        }),
        disabled: account.role_on(app.today()).is_none(),
    })
}

fn refused(reason: Reason, id: &str) -> Status {
    status(&Rejection::from(reason).into(), id)
}

impl Api {
    async fn close_account<T>(&self, request: &Request<T>, name: &str) -> Result<(), Status> {
        let envelope = Envelope::of(principal(request)?, Channel::Api);
        let id = login(name)?;
        let closed = self.app.disable_account(&id, &envelope).await;
        closed.map_err(|error| status(&error, &id))
    }
}

#[tonic::async_trait]
impl Users for Api {
    type DetailsStream = Pin<Box<dyn Stream<Item = Result<wire::DetailsResp, Status>> + Send>>;

    async fn create(&self, request: Request<wire::CreateReq>) -> Result<Response<wire::CreateResp>, Status> {
        let envelope = Envelope::of(principal(&request)?, Channel::Api);
        let options = request.into_inner().options.unwrap_or_default();
        let mut fields = Fields::default();
        let id = fields.id(LOGIN, &options.login_name);
        let found = role_and_station(&options.groups);
        if found.is_none() {
            fields.wrong("options.groups", "a role such as SERVICE, and a station or office");
        }
        fields.finish()?;
        let (role, station) = found.unwrap_or((Role::System, ""));
        let command = CreateAccount {
            role,
            station: station.to_owned(),
            until: None,
        };
        let made = self
            .app
            .create_account_with_password(&id, &command, &options.password, &envelope)
            .await;
        made.map_err(|error| status(&error, &id))?;
        Ok(Response::new(wire::CreateResp {}))
    }

    async fn update(&self, request: Request<wire::UpdateReq>) -> Result<Response<wire::UpdateResp>, Status> {
        principal(&request)?;
        let options = request.into_inner().options.unwrap_or_default();
        let id = login(&options.login_name)?;
        if !options.password.is_empty() {
            let mut fields = Fields::default();
            fields.wrong("options.password", "none: ResetPassword gives another");
            fields.finish()?;
        }
        let mut groups = details(&self.app, &id).await?.groups;
        let mut asked = options.groups;
        groups.sort_unstable();
        asked.sort_unstable();
        asked.dedup();
        if asked != groups {
            let mut fields = Fields::default();
            fields.wrong(
                "options.groups",
                "those that the account has: it keeps its role and station",
            );
            fields.finish()?;
        }
        Ok(Response::new(wire::UpdateResp {}))
    }

    async fn delete(&self, request: Request<wire::DeleteReq>) -> Result<Response<wire::DeleteResp>, Status> {
        let name = request.get_ref().options.clone().unwrap_or_default().login_name;
        self.close_account(&request, &name).await?;
        Ok(Response::new(wire::DeleteResp {}))
    }

    async fn disable(&self, request: Request<wire::DisableReq>) -> Result<Response<wire::DisableResp>, Status> {
        let name = request.get_ref().options.clone().unwrap_or_default().login_name;
        self.close_account(&request, &name).await?;
        Ok(Response::new(wire::DisableResp {}))
    }

    async fn enable(&self, request: Request<wire::EnableReq>) -> Result<Response<wire::EnableResp>, Status> {
        principal(&request)?;
        let id = login(&request.into_inner().options.unwrap_or_default().login_name)?;
        if details(&self.app, &id).await?.disabled {
            // Closing destroys what proved who somebody is, and is for good.
            return Err(refused(Reason::AccountMissing, &id));
        }
        Ok(Response::new(wire::EnableResp {}))
    }

    async fn details(&self, request: Request<wire::DetailsReq>) -> Result<Response<Self::DetailsStream>, Status> {
        principal(&request)?;
        let name = request.into_inner().options.unwrap_or_default().login_name;
        let told = |details| wire::DetailsResp {
            user_details: Some(details),
        };
        if !name.is_empty() {
            let found = told(details(&self.app, &login(&name)?).await?);
            return Ok(Response::new(Box::pin(stream::iter([Ok(found)]))));
        }
        let open = self.app.open_accounts().await.map_err(|error| status(&error, ""))?;
        let app = self.app.clone();
        let all = stream::iter(open).then(move |id| {
            let app = app.clone();
            async move { details(&app, &id).await.map(told) }
        });
        Ok(Response::new(Box::pin(all)))
    }

    async fn change_password(
        &self,
        request: Request<wire::ChangePasswordReq>,
    ) -> Result<Response<wire::ChangePasswordResp>, Status> {
        let envelope = Envelope::of(principal(&request)?, Channel::Api);
        let options = request.into_inner().options.unwrap_or_default();
        if login(&options.login_name)? != envelope.principal.id {
            return Err(denied());
        }
        let changed = self
            .app
            .set_password(&envelope, &options.current_password, &options.new_password)
            .await;
        changed.map_err(|error| status(&error, &options.login_name))?;
        Ok(Response::new(wire::ChangePasswordResp {}))
    }

    async fn reset_password(
        &self,
        request: Request<wire::ResetPasswordReq>,
    ) -> Result<Response<wire::ResetPasswordResp>, Status> {
        let envelope = Envelope::of(principal(&request)?, Channel::Api);
        let options = request.into_inner().options.unwrap_or_default();
        let id = login(&options.login_name)?;
        if !details(&self.app, &id)
            .await?
            .groups
            .iter()
            .any(|group| group == Role::Service.as_str())
        {
            // Whoever gave members of staff passwords could act as any two of them.
            return Err(denied());
        }
        let given = self.app.give_password(&id, &options.new_password, &envelope).await;
        given.map_err(|error| status(&error, &id))?;
        Ok(Response::new(wire::ResetPasswordResp {}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_say_one_role_and_one_station() {
        let read = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|name| (*name).to_owned()).collect();
            role_and_station(&groups).map(|(role, station)| (role, station.to_owned()))
        };
        let expected = Some((Role::Service, "district-1".to_owned()));
        assert_eq!(read(&["SERVICE", "district-1"]), expected);
        assert_eq!(read(&["district-1", "$ops", "SERVICE"]), expected);
        for wrong in [
            &["SERVICE"][..],
            &["district-1"],
            &["SERVICE", "INSPECTOR", "district-1"],
            &["SERVICE", "a", "b"],
            &[],
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
