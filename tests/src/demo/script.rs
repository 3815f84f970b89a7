//! What happens when in the demo, scene by scene, and how the reader's figures are shown meanwhile. Knows every part of the demo
//! and nothing of the gateway's inside: it asks as an operator would, through files, signals, pages and the log.

use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::Options;
use super::child::{Gateway, LogLine};
use super::ledger::Report;
use super::reader::{Reader, now_ms};
use super::screen::{Line, Screen, Style};
use super::shop::OpenShop;
use super::signal::Interrupt;
use super::stage::{Mask, Stage, Topics};
use super::view;

const FRAME: Duration = Duration::from_millis(100);

/// How long one pair stays on the terminal, so that it can be read.
const PAIR_STAYS: Duration = Duration::from_millis(1_500);

/// How often figures are written where there is no terminal to draw them on.
const FIGURES_EVERY: Duration = Duration::from_secs(5);

/// A record that came out this fast did not have to wait.
const CAUGHT_UP_MS: i64 = 200;

/// The longest that anything the demo waits for may take.
const PATIENCE: Duration = Duration::from_secs(30);

type Scene<S> = fn(&mut S) -> anyhow::Result<()>;

/// The demo while it runs.
pub(super) struct Show<'s> {
    screen: Screen,
    interrupt: &'s Interrupt,
    topics: &'s Topics,
    stage: &'s Stage,
    reader: Reader,
    gateway: Gateway,
    shop: Option<OpenShop>,
    begun: Instant,
    pair: Vec<Line>,
    pair_since: Instant,
    figures_since: Instant,
    /// When a pair is written where there is no terminal.
    pair_due: Option<Instant>,
    /// What gateways said that are gone.
    log: String,
    /// Times around a kill, in milliseconds since 1970.
    disturbed: Vec<(i64, i64)>,
}

impl<'s> Show<'s> {
    /// Scenes, and the hundredths of the whole after which they begin.
    const SCENES: [(u32, Scene<Self>); 5] = [
        (20, Self::upgrade),
        (38, Self::break_a_plugin),
        (55, Self::mend_the_plugin),
        (62, Self::remove_a_plugin),
        (78, Self::kill),
    ];

    pub(super) fn new(
        screen: Screen,
        interrupt: &'s Interrupt,
        topics: &'s Topics,
        stage: &'s Stage,
        brokers: &str,
    ) -> anyhow::Result<Self> {
        let reader = Reader::start(brokers, topics)?;
        let gateway = Gateway::start(&stage.config)?;
        let now = Instant::now();
        Ok(Self {
            screen,
            interrupt,
            topics,
            stage,
            reader,
            gateway,
            shop: None,
            begun: now,
            pair: Vec::new(),
            pair_since: now,
            figures_since: now,
            pair_due: None,
            log: String::new(),
            disturbed: Vec::new(),
        })
    }

    /// Plays every scene, or those before a Ctrl-C, and counts.
    pub(super) fn run(mut self, options: &Options, brokers: &str) -> anyhow::Result<Report> {
        let started = Instant::now();
        self.until("the gateway is ready", Self::is_ready)?;
        self.begun = Instant::now();
        if self.interrupt.happened() {
            bail!("interrupted before the first event");
        }
        let took = started.elapsed().as_secs_f64();
        let id = self.gateway.id();
        self.tell(format!("Ready after {took:.1} s: the gateway is process {id}, the shop opens"))?;
        self.shop = Some(OpenShop::open(brokers, &self.topics.source, options.rate)?);
        self.expect_pair();
        for (part, scene) in Self::SCENES {
            self.wait_till(self.begun + Duration::from_secs(options.seconds.into()) * part / 100)?;
            if !self.interrupt.happened() {
                scene(&mut self)?;
                self.expect_pair();
            }
        }
        self.wait_till(self.begun + Duration::from_secs(options.seconds.into()))?;
        if options.hold && !self.interrupt.happened() {
            self.tell("That was all; it goes on until Ctrl-C")?;
            while !self.interrupt.happened() {
                self.frame()?;
            }
        }
        self.close()
    }

    fn upgrade(&mut self) -> anyhow::Result<()> {
        self.tell("A new version of mask: e-mails become pseudonyms, which still join")?;
        let took = self.replace_mask(Mask::Second, "live")?;
        self.explain(format!("in service after {took:.1} s, between two batches"))
    }

    fn break_a_plugin(&mut self) -> anyhow::Result<()> {
        self.tell("A broken version of mask: the key of the pseudonyms is forgotten")?;
        self.replace_mask(Mask::Keyless, "refused")?;
        self.explain("refused; the version before goes on serving, and whoever looks is told why")?;
        let page = self.gateway.readiness().context("asking /readyz")?;
        let mut text = if page.is_ready { "200 ready" } else { "503 not ready" }.to_owned();
        for warning in &page.warnings {
            text.push_str("; warning: ");
            text.push_str(warning);
        }
        let lines = view::quotation("/readyz", Style::Changed, &text, self.screen.width());
        Ok(self.screen.say_all(&lines)?)
    }

    fn mend_the_plugin(&mut self) -> anyhow::Result<()> {
        self.tell("The file is put right again")?;
        self.command(&format!("cp {} plugins/20-mask.toml", Mask::Second.file()))?;
        self.stage.put_mask(Mask::Second)?;
        self.until("/readyz warns of nothing", |show| {
            let page = show.gateway.readiness();
            page.is_some_and(|page| page.warnings.is_empty())
        })?;
        self.explain("/readyz has nothing to warn of")
    }

    fn remove_a_plugin(&mut self) -> anyhow::Result<()> {
        self.tell("A plugin less: reshape is removed")?;
        self.command("rm plugins/30-reshape.toml")?;
        let before = self.reloads("removed");
        self.stage.remove_reshape()?;
        self.until("reshape has left the chain", |show| show.reloads("removed") > before)?;
        let [_, plain] = &self.topics.outputs;
        self.explain(format!("names stay as they were, outputs go to {plain}"))
    }

    fn kill(&mut self) -> anyhow::Result<()> {
        let id = self.gateway.id();
        self.tell("The gateway is killed without warning, and started again")?;
        self.command(&format!("kill -9 {id}"))?;
        let (killed, killed_ms) = (Instant::now(), now_ms());
        let before = self.reader.ledger().live(now_ms());
        self.gateway.kill()?;
        self.log.push_str(&self.gateway.log_text());
        self.gateway = Gateway::start(&self.stage.config)?;
        let mut waiting = 0;
        self.until("the gateway is ready again", |show| {
            waiting = show.reader.ledger().live(now_ms()).missing.max(waiting);
            show.is_ready()
        })?;
        let ready = killed.elapsed().as_secs_f64();
        self.until("the gateway has caught up", |show| {
            let live = show.reader.ledger().live(now_ms());
            let is_swift = live.last_ms.is_some_and(|last| last < CAUGHT_UP_MS);
            is_swift && live.forwarded > before.forwarded && live.missing <= before.missing + 50
        })?;
        let caught_up = killed.elapsed().as_secs_f64();
        // What was written just before the kill waited as well.
        self.disturbed.push((killed_ms - 1_000, now_ms()));
        let twice = self.reader.ledger().live(now_ms()).duplicates - before.duplicates;
        self.explain(format!(
            "ready again after {ready:.1} s, with {waiting} events waiting by then; caught up after {caught_up:.1} s, {twice} came twice"
        ))
    }

    /// Puts another version of `mask` in place and waits until the gateway counts it as `result`; the seconds that took.
    fn replace_mask(&mut self, mask: Mask, result: &'static str) -> anyhow::Result<f64> {
        self.command(&format!("cp {} plugins/20-mask.toml", mask.file()))?;
        let before = self.reloads(result);
        let begun = Instant::now();
        self.stage.put_mask(mask)?;
        self.until("the gateway has looked at the new file", |show| show.reloads(result) > before)?;
        Ok(begun.elapsed().as_secs_f64())
    }

    fn is_ready(&mut self) -> bool {
        let page = self.gateway.readiness();
        page.is_some_and(|page| page.is_ready && page.partitions > 0)
    }

    /// Changes of the plugin folder that ended with `result`, as the gateway counts them.
    fn reloads(&self, result: &str) -> u64 {
        let metrics = self.gateway.metrics().unwrap_or_default();
        let of_result = format!("result=\"{result}\"");
        let line = metrics
            .lines()
            .find(|line| line.starts_with("lockgate_reloads_total{") && line.contains(&of_result));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse().ok()).unwrap_or(0)
    }

    /// Closes the shop, lets the gateway drain, reads to the end and judges.
    fn close(mut self) -> anyhow::Result<Report> {
        if let Some(shop) = self.shop.take() {
            let written = shop.close()?;
            self.tell(format!("The shop closes: {written} events are written"))?;
        }
        let deadline = Instant::now() + PATIENCE;
        // What does not come is counted as lost by the report.
        while self.reader.ledger().live(now_ms()).missing > 0 && Instant::now() < deadline {
            self.frame()?;
        }
        let status = self.drain()?;
        if !status.success() {
            bail!("the gateway drained and then failed: {status}{}", self.last_words());
        }
        self.screen.draw(&[])?;
        self.log.push_str(&self.gateway.log_text());
        self.reader.finish()?.report(&self.log, &self.disturbed)
    }

    fn drain(&mut self) -> anyhow::Result<ExitStatus> {
        self.command(&format!("kill -TERM {}", self.gateway.id()))?;
        let begun = Instant::now();
        self.gateway.terminate()?;
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.gateway.ended() {
                let took = begun.elapsed().as_secs_f64();
                self.explain(format!("drained and ended after {took:.1} s, {status}"))?;
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("the gateway did not drain within {PATIENCE:?}{}", self.last_words())
    }

    fn wait_till(&mut self, moment: Instant) -> anyhow::Result<()> {
        while Instant::now() < moment && !self.interrupt.happened() {
            self.frame()?;
        }
        Ok(())
    }

    /// Waits for something to become true; a Ctrl-C ends the waiting.
    fn until(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&mut Self) -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.interrupt.happened() && !holds(self) {
            if Instant::now() > deadline {
                bail!("waited {PATIENCE:?} in vain: {what}{}", self.last_words());
            }
            self.frame()?;
        }
        Ok(())
    }

    /// Shows how it goes, and waits a little.
    fn frame(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.gateway.ended() {
            bail!("the gateway ended by itself: {status}{}", self.last_words());
        }
        if self.reader.has_failed() || self.shop.as_ref().is_some_and(OpenShop::has_failed) {
            bail!("the shop or the reader gave up: is the broker still there?");
        }
        self.show_log()?;
        let live = self.reader.ledger().live(now_ms());
        let now = Instant::now();
        if self.pair.is_empty() || now - self.pair_since > PAIR_STAYS {
            self.look_at_pair();
        }
        if self.screen.is_terminal() {
            let mut block = vec![Line::default()];
            block.extend(self.pair.iter().cloned());
            block.push(Line::default());
            block.extend(view::figures(&live));
            self.screen.draw(&block)?;
        } else if self.pair_due.is_some_and(|due| now > due) {
            self.pair_due = None;
            self.look_at_pair();
            self.screen.say_all(&self.pair)?;
        } else if self.shop.is_some() && now - self.figures_since > FIGURES_EVERY {
            self.figures_since = now;
            self.screen.say_all(&view::figures(&live))?;
        }
        thread::sleep(FRAME);
        Ok(())
    }

    fn show_log(&mut self) -> anyhow::Result<()> {
        for line in self.gateway.fresh_log() {
            if is_worth_showing(&line) {
                self.screen.say_all(&view::log_line(&line, self.screen.width()))?;
            }
        }
        Ok(())
    }

    fn look_at_pair(&mut self) {
        if let Some(pair) = self.reader.ledger().latest_pair() {
            self.pair = view::pair(&pair, self.topics, self.screen.width());
            self.pair_since = Instant::now();
        }
    }

    /// Where there is no terminal, a pair is written once what has changed can be seen in it.
    fn expect_pair(&mut self) {
        self.pair_due = Some(Instant::now() + Duration::from_millis(700));
    }

    fn last_words(&self) -> String {
        let text = self.gateway.log_text();
        let last = text.lines().last();
        last.map_or_else(String::new, |last| format!("; its last words: {last}"))
    }

    /// Begins a scene.
    fn tell(&mut self, text: impl Into<String>) -> anyhow::Result<()> {
        self.pair_due = None;
        let clock = format!("{:>6.1} s   ", self.begun.elapsed().as_secs_f64());
        let line = Line::styled(Style::Dim, clock).and(Style::Bold, text);
        Ok(self.screen.say_all(&[Line::default(), line])?)
    }

    fn command(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.screen.say(margin().and(Style::Plain, format!("$ {text}")))?)
    }

    fn explain(&mut self, text: impl Into<String>) -> anyhow::Result<()> {
        self.show_log()?;
        Ok(self.screen.say(margin().and(Style::Good, text))?)
    }
}

fn margin() -> Line {
    Line::plain(" ".repeat(view::MARGIN))
}

/// What an operator would look at; the rest of the log is about starting and stopping.
fn is_worth_showing(line: &LogLine) -> bool {
    line.level != "INFO" || line.message == "plugins in place"
}
