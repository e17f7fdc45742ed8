//! `atelier gateway`: the configured models, for programs that speak a dialect of some vendor.

mod forgetting;
mod reload;

use std::{
    collections::BTreeSet,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use atelier_engine::{ConfiguredBudgets, Exit};
use atelier_llm::{GatewayConfig, Listed, Relay, Secret};
use atelier_model::Clock as _;
use atelier_server::{Bounds, Keys, Runs, Server};
use atelier_store::{Budgets, Ledger, LedgerError};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{Place, SystemClock, SystemIds},
    cli::{Global, LimitOptions, RunOptions},
    cli_error::CliError,
    config::{self, Config, Settings, Sources},
    guard_key,
    keys::{self, Asking},
    ui::Ui,
};

/// Answer other programs with the configured models, whichever dialect they speak
#[derive(Debug, Args)]
pub(crate) struct GatewayArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4141")]
    pub(crate) listen: SocketAddr,

    /// Environment variable with keys that clients may show, separated by commas, beside those that
    /// `atelier keys issue` issues; without any every program on this machine is answered
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) keys_from: Option<String>,

    /// Most that all requests together may cost, in dollars; none is sent that could exceed it
    #[arg(long, value_name = "USD")]
    pub(crate) budget: Option<String>,

    /// Ask the provider again even where an identical request was answered before
    #[arg(long)]
    pub(crate) no_cache: bool,
}

pub(crate) async fn run(global: &Global, args: &GatewayArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    if let Some(warning) = keys::missing(Asking::Yes) {
        ui.warn(&warning);
    }
    let store = place.ledger_store().await?;
    let configured = Configured::read(&place, global, args)?;
    for name in &configured.unlisted {
        ui.warn(&format!(
            "no program can ask for a model of {name}: `providers.{name}.models` lists none"
        ));
    }
    let keep_days = AtomicU64::new(configured.keep_days);
    let ledger = Ledger::open(&store, configured.budgets, SystemClock.now()).await?;
    let ids = Arc::new(SystemIds);
    let relay = Relay::new(
        &configured.models,
        ledger.clone(),
        Arc::new(SystemClock),
        ids,
    )?;
    let keys = door_keys(args, &configured.sources)?;
    let bounds = Bounds::default();
    let server = Server::bind(args.listen, relay.clone(), keys, !args.no_cache, bounds).await?;
    let server = if place.ledger_folder()? == place.state() {
        let clock = Arc::new(SystemClock);
        server.with_runs(Runs::new(store.clone(), configured.of_runs, clock))
    } else {
        server
    };
    // Before anybody knows the address: whoever was answered may be the one who stops it.
    let signals = signals();
    tell(server.address(), &relay.models(), ui);
    let stop = CancellationToken::new();
    let ended = CancellationToken::new();
    let serving = async {
        server.run(stop.clone()).await;
        ended.cancel();
    };
    let reading = reload::keep(
        &place,
        ended.cancelled(),
        |place| {
            let configured = Configured::read(place, global, args)?;
            relay.reload(&configured.models)?;
            ledger.set_budgets(configured.budgets);
            keep_days.store(configured.keep_days, Ordering::Relaxed);
            Ok(())
        },
        ui,
    );
    let told = |error: &LedgerError| unfolded(error, ui);
    let (kept, (), (), (), ()) = tokio::join!(
        ledger.keep(ended.cancelled(), told),
        serving,
        signalled(signals, &stop, ended.cancelled(), ui),
        reading,
        forgetting::keep(&ledger, &keep_days, ended.cancelled(), told),
    );
    kept?;
    ui.status(&format!("spent {}", relay.spent()));
    Ok(Exit::Verified as u8)
}

/// Tells that requests are not in the database yet. They go on while their lines can be written.
fn unfolded(error: &LedgerError, ui: &Ui) {
    let text = format!("failed to {}", atelier_engine::chain(error));
    let hint = "make sure that the state can be written and that the disk has room; it is tried \
                again, and nothing that was written down is lost";
    ui.failure(&text, Some(hint));
}

/// The signals to stop. From here on they no longer end the process by force.
fn signals() -> io::Result<(Signal, Signal)> {
    Ok((
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    ))
}

/// Waits for the signal to stop. Nothing is answered after it but what is under way.
async fn signalled(
    signals: io::Result<(Signal, Signal)>,
    stop: &CancellationToken,
    ended: impl Future<Output = ()>,
    ui: &Ui,
) {
    let Ok((mut interrupt, mut terminate)) = signals else {
        // Without signals the end comes by force, which loses nothing either.
        return ended.await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    ui.status("stopping; answers under way may end");
    stop.cancel();
}

/// What the files, the environment and the flags say together.
struct Configured {
    models: GatewayConfig,
    budgets: Budgets,
    /// What stages and tasks of runs may use up.
    of_runs: ConfiguredBudgets,
    /// Days for which requests are kept one by one.
    keep_days: u64,
    /// Providers that no program can ask for.
    unlisted: BTreeSet<String>,
    sources: Sources,
}

impl Configured {
    fn read(place: &Place, global: &Global, args: &GatewayArgs) -> Result<Self, CliError> {
        let sources = Sources::read(&place.root)?;
        let options = RunOptions {
            limits: LimitOptions {
                budget: args.budget.clone(),
                ..LimitOptions::default()
            },
            ..RunOptions::default()
        };
        let config = Config::load(&sources, global, &options)?;
        let settings = Settings::resolve(&config, &sources)?;
        let guard_key = guard_key::of(&place.ledger_folder()?)?;
        Ok(Self {
            unlisted: config::unlisted_providers(&config, &settings),
            models: settings.gateway(guard_key),
            keep_days: settings.keep_days,
            of_runs: settings.configured_budgets(),
            budgets: Budgets {
                total: settings.budget.usd,
                day: settings.budget_day,
            },
            sources,
        })
    }
}

fn door_keys(args: &GatewayArgs, sources: &Sources) -> Result<Keys, CliError> {
    let plain = plain_keys(args, sources)?;
    Ok(match &sources.keys {
        Some(place) => plain.with_clients(place.clients()?, Arc::new(SystemClock)),
        None => plain,
    })
}

fn plain_keys(args: &GatewayArgs, sources: &Sources) -> Result<Keys, CliError> {
    let Some(name) = &args.keys_from else {
        return Ok(Keys::default());
    };
    let value = sources.variable(name).unwrap_or_default();
    let keys = Keys::new(value.split(',').map(Secret::new));
    if keys.are_none() {
        return Err(CliError::Usage(format!(
            "take the keys of clients from {name}: there are none in it"
        )));
    }
    Ok(keys)
}

/// Says how programs reach the models.
fn tell(address: SocketAddr, models: &[Listed], ui: &Ui) {
    let base = format!("http://{address}");
    let mut names: Vec<&str> = models.iter().map(|listed| listed.name.as_str()).collect();
    names.dedup();
    if ui.is_json() {
        let listening = json!({
            "v": 1, "type": "listening", "address": address, "models": names,
            "base_urls": {"openai": format!("{base}/v1"), "anthropic": base, "gemini": base},
        });
        ui.out(&listening.to_string());
        return;
    }
    ui.out(&format!("OPENAI_BASE_URL={base}/v1"));
    ui.out(&format!("ANTHROPIC_BASE_URL={base}"));
    ui.out(&format!("GOOGLE_GEMINI_BASE_URL={base}"));
    ui.status(&format!("models: {}", names.join(", ")));
    ui.status("listening; Ctrl-C stops");
}
