//! Where Microsoft Entra gives out tokens, for every desk of Microsoft's and those that sign in there.

use url::Url;

use super::join;
use crate::settings::wrong;
use crate::{Result, Settings};

/// Entra of the public cloud; the national clouds have their own.
const PUBLIC: &str = "https://login.microsoftonline.com/";

/// The token endpoint of the setting `tenant` at the setting `authority`, the public cloud's without it. The setting
/// `token_url` names another.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the tenant is missing, or one of the others is no
/// address.
pub fn token_url(settings: &Settings) -> Result<Url> {
    let tenant = settings.required_text("tenant")?;
    if settings.text("token_url").is_some() {
        return settings.address("token_url");
    }
    let authority = settings.base_or("authority", PUBLIC)?;
    if matches!(tenant.as_str(), "." | "..") || tenant.contains('/') {
        return Err(wrong("tenant", "has to be the tenant's id or one of its domains"));
    }
    Ok(join(&authority, &[&tenant, "oauth2", "v2.0", "token"]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn url(values: &[(&str, &str)]) -> Result<String> {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).into()));
        let settings = Settings { values: values.collect(), secrets: BTreeMap::new() };
        token_url(&settings).map(String::from)
    }

    #[test]
    fn tokens_come_from_the_tenants_endpoint() {
        let endpoint = "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token";
        assert_eq!(url(&[("tenant", " contoso.example ")]).unwrap(), endpoint);
        let china = [("tenant", "contoso.example"), ("authority", "https://login.chinacloudapi.cn")];
        let endpoint = "https://login.chinacloudapi.cn/contoso.example/oauth2/v2.0/token";
        assert_eq!(url(&china).unwrap(), endpoint);
        let other = "https://tokens.example/token";
        assert_eq!(url(&[("tenant", "contoso.example"), ("token_url", other)]).unwrap(), other);
    }

    #[test]
    fn what_is_wrong_names_its_setting() {
        for (key, values) in [
            ("tenant", &[][..]),
            ("tenant", &[("tenant", "../other")]),
            ("authority", &[("tenant", "contoso.example"), ("authority", "ftp://login.example")]),
            ("token_url", &[("tenant", "contoso.example"), ("token_url", "here")]),
        ] {
            let error = url(values).unwrap_err();
            assert!(error.message().starts_with(&format!("the setting {key} ")), "{error}");
        }
    }
}
