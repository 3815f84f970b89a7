//! From what was typed to what it means: defaults filled in, every name and limit checked where it stands.

mod pipeline;
mod protect;
mod trust;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::document::{Document, suggestion};
use super::error::Error;
use super::raw::{self, Property, Text};
use super::secrets::Surroundings;
use super::{Admin, Config, Kafka, Membership, refused_property};

pub(super) const DEFAULT_GROUP: &str = "lockgate";
const DEFAULT_LISTEN: &str = "127.0.0.1:9400";
const DEFAULT_DRAIN: Duration = Duration::from_secs(25);

pub(super) fn config(
    document: &Document<'_>,
    raw: raw::Config,
    secret_files: Vec<PathBuf>,
    surroundings: &dyn Surroundings,
) -> Result<Config, Error> {
    if raw.pipeline.is_empty() {
        let error = document.error(0..0, "there is no [[pipeline]]");
        return Err(error.help("`lockgate detect` proposes one for your events"));
    }
    let mut pipelines = Vec::with_capacity(raw.pipeline.len());
    for typed in raw.pipeline {
        let pipeline = pipeline::resolve(document, typed.into_inner(), &pipelines)?;
        pipelines.push(pipeline);
    }
    Ok(Config {
        file: document.path().to_owned(),
        kafka: kafka(document, raw.kafka)?,
        admin: admin(document, raw.admin)?,
        pipelines,
        drain: raw.drain.map_or(DEFAULT_DRAIN, |drain| drain.0),
        cache: cache(document, raw.cache, surroundings)?,
        trust: trust::resolve(document, raw.trust)?,
        secret_files,
    })
}

pub(super) fn kafka(document: &Document<'_>, raw: raw::Kafka) -> Result<Kafka, Error> {
    Ok(Kafka {
        brokers: not_empty(document, raw.brokers)?,
        group: match raw.group {
            Some(group) => not_empty(document, group)?,
            None => DEFAULT_GROUP.to_owned(),
        },
        membership: membership(document, raw.membership, raw.instance)?,
        properties: properties(document, raw.properties)?,
    })
}

fn membership(
    document: &Document<'_>,
    membership: Option<Text>,
    instance: Option<Text>,
) -> Result<Membership, Error> {
    let kinds = [("static", true), ("dynamic", false)];
    let is_static =
        membership.map(|typed| one_of(document, &typed, &kinds)).transpose()?.unwrap_or(true);
    match (is_static, instance) {
        (false, None) => Ok(Membership::Dynamic),
        (false, Some(instance)) => {
            let message = "a dynamic member has no \"instance\"";
            let help = "remove it, or set membership = \"static\"";
            Err(document.error(instance.span(), message).help(help))
        }
        (true, Some(instance)) => {
            check_identifier(document, &instance)?;
            Ok(Membership::Static { instance: instance.into_inner() })
        }
        (true, None) => Ok(Membership::Static { instance: host_name() }),
    }
}

/// What a group instance id can hold of the host's name, which in practice is all of it.
fn host_name() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    name.chars().map(|c| if is_identifying(c) { c } else { '-' }).collect()
}

fn properties(
    document: &Document<'_>,
    raw: BTreeMap<Text, Spanned<Property>>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut properties = BTreeMap::new();
    for (name, value) in raw {
        if let Some(reason) = refused_property(name.get_ref()) {
            let message = format!("the property \"{}\" cannot be set", name.get_ref());
            return Err(document.error(name.span(), message).help(reason));
        }
        let value = match value.into_inner() {
            Property::Text(text) => text,
            Property::Number(number) => number.to_string(),
            Property::Boolean(boolean) => boolean.to_string(),
        };
        properties.insert(name.into_inner(), value);
    }
    Ok(properties)
}

fn admin(document: &Document<'_>, raw: raw::Admin) -> Result<Admin, Error> {
    let listen = match &raw.listen {
        Some(typed) if typed.get_ref() == "off" => None,
        Some(typed) => Some(typed.get_ref().parse().map_err(|_| {
            let help = "for example \"127.0.0.1:9400\", \"0.0.0.0:9400\", or \"off\"";
            document.error(typed.span(), "expected an IP address and a port").help(help)
        })?),
        None => Some(DEFAULT_LISTEN.parse().expect("the default is an address")),
    };
    let token = raw.token.map(|typed| not_empty(document, typed)).transpose()?;
    Ok(Admin { listen, token })
}

/// The folder of compiled plugins.
fn cache(
    document: &Document<'_>,
    typed: Option<Text>,
    surroundings: &dyn Surroundings,
) -> Result<Option<PathBuf>, Error> {
    if let Some(typed) = typed {
        let is_off = typed.get_ref() == "off";
        let path = not_empty(document, typed)?;
        return Ok((!is_off).then(|| document.folder().join(path)));
    }
    Ok(default_cache(surroundings))
}

/// Where the system keeps such things for its users or services.
pub(super) fn default_cache(surroundings: &dyn Surroundings) -> Option<PathBuf> {
    let folder = |name| surroundings.variable(name).ok().map(PathBuf::from);
    let folder = |name| folder(name).filter(|path| path.is_absolute());
    let own = folder("CACHE_DIRECTORY");
    let of_user = || folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    own.or_else(|| Some(of_user()?.join("lockgate")))
}

/// The value that `typed` names.
pub(super) fn one_of<T: Copy>(
    document: &Document<'_>,
    typed: &Text,
    values: &[(&str, T)],
) -> Result<T, Error> {
    if let Some((_, value)) = values.iter().find(|(name, _)| name == typed.get_ref()) {
        return Ok(*value);
    }
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let error = document.error(typed.span(), "this value is not known");
    Err(error.help(suggestion(typed.get_ref(), &names)))
}

/// A number within `bounds`, or its default.
fn count(
    document: &Document<'_>,
    typed: Option<Spanned<i64>>,
    bounds: RangeInclusive<i64>,
    default: usize,
) -> Result<usize, Error> {
    let Some(typed) = typed else { return Ok(default) };
    let number = usize::try_from(*typed.get_ref());
    match number {
        Ok(number) if bounds.contains(typed.get_ref()) => Ok(number),
        _ => {
            let message = format!("expected {} to {}", bounds.start(), bounds.end());
            Err(document.error(typed.span(), message))
        }
    }
}

fn not_empty(document: &Document<'_>, typed: Text) -> Result<String, Error> {
    if typed.get_ref().trim().is_empty() {
        return Err(document.error(typed.span(), "this cannot be empty"));
    }
    Ok(typed.into_inner())
}

/// What may become part of a group instance id, a client id or a file name.
fn check_identifier(document: &Document<'_>, typed: &Text) -> Result<(), Error> {
    let text = typed.get_ref();
    if text.is_empty() || text.len() > 100 || !text.chars().all(is_identifying) {
        let message = "expected 1 to 100 characters of letters, digits, \".\", \"_\" and \"-\"";
        return Err(document.error(typed.span(), message));
    }
    Ok(())
}

fn is_identifying(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}
