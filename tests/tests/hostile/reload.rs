//! Files that come and go in ways that no tool should use, and versions that fail once they are let in.

use std::fs;
use std::os::unix::fs::symlink;

use lockgate_tests::checker::Fate;
use lockgate_tests::gateway::Gateway;

use super::guest;
use super::siege::{GUEST, Siege, WAVE, harmless};

const PUBLISHED: &str = "lockgate_reloads_total{pipeline=\"hostile\",result=\"live\"";

fn serves(gateway: &mut Gateway, version: &str) {
    let info = format!(
        "lockgate_plugin_info{{digest=\"\",pipeline=\"hostile\",plugin=\"guest\",version=\"{version}\""
    );
    let (_, rest) = info.split_once(',').unwrap();
    gateway
        .until(&format!("{version} serves"), |gateway| {
            let (_, body) = gateway.page("/metrics")?;
            let mut lines = body.lines().filter(|line| line.starts_with("lockgate_plugin_info{"));
            Ok(lines.any(|line| line.contains(rest)))
        })
        .unwrap();
}
