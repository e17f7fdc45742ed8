//! One check from its beginning to its end: only looked at where everything stands, else of a few steps,
//! else of all that are wanted.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use atelier_build::{
    Ahead, CheckReport, Choice, Glance, Narrow, Narrowed, Progress, Project, Workshop, check_after,
    standing,
};
use atelier_engine::Exit;
use atelier_model::BuildStep;
use tokio_util::sync::CancellationToken;

use super::{
    CheckArgs, STEPS_SHOWN, capacity, choice, doubt, end, live::Live, on_failure, source::Source,
    tell, turn, versions::Versions, wanted, workshop,
};
use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Sources},
    ui::Ui,
};

/// Which check of a process it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    First,
    /// After a change.
    Later,
    /// After a check that has changed files itself: of no interest unless something is executed.
    Echo,
}

/// What a check left.
pub(super) struct Ended {
    pub(super) code: u8,
    /// What was checked, where it had to be looked at.
    pub(super) project: Option<Arc<Project>>,
}

pub(super) async fn round(
    global: &Global,
    args: &CheckArgs,
    ui: &Ui,
    round: Round,
    cancel: &CancellationToken,
) -> Result<Ended, CliError> {
    let place = Place::find(global)?;
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let source = Source::read(&place, &sources, args.steps.as_deref())?;
    let shop = Workshop {
        cancel: cancel.clone(),
        ..workshop(&place, &sources, &config)?
    };
    let Some(_turn) = turn::take(&place.checks_begun()?, cancel, ui).await? else {
        return Ok(Ended {
            code: Exit::Cancelled as u8,
            project: None,
        });
    };
    let check = Check {
        args,
        ui,
        round,
        place,
        shop,
        many: AtomicBool::new(false),
    };
    Box::pin(check.run(source)).await
}

/// A check whose turn it is.
struct Check<'a> {
    args: &'a CheckArgs,
    ui: &'a Ui,
    round: Round,
    place: Place,
    shop: Workshop,
    /// Whether steps are so many that those are not named which nothing had to be done for.
    many: AtomicBool,
}

impl Check<'_> {
    async fn run(&self, mut source: Source) -> Result<Ended, CliError> {
        let asked = match self.args.affected {
            None => source.asked(&self.args.only, &self.place, self.shop.workspace.cas()),
            Some(_) => None,
        };
        let glance = match asked.as_ref().filter(|_| self.args.is_plain()) {
            Some(asked) => {
                let tell = |progress: Progress<'_>| self.tell(&progress);
                standing(&self.shop, asked, self.args.wants_all(), &tell).await?
            }
            None => Glance::Open,
        };
        let versions = source.versions();
        let mut ahead = None;
        match glance {
            Glance::Whole(report) => return self.ended(&report, None),
            Glance::But(nearly) => {
                let steps = source.steps()?;
                let capacity = capacity(self.args.jobs);
                let narrow = nearly.narrow(&self.shop, steps, on_failure(self.args), capacity);
                if let Some(narrow) = narrow {
                    match self.narrow(narrow, steps, &versions).await? {
                        Narrowed::Over(report) => return self.ended(&report, None),
                        Narrowed::Open(executed) => ahead = executed,
                    }
                }
            }
            Glance::Open => {}
        }
        let project = Arc::new(source.project(&self.place)?);
        let wanted = wanted(self.args, &self.place, &project)?;
        let choice = choice(self.args, wanted, asked, self.round);
        let report = self.whole(&project, &choice, ahead, &versions).await?;
        self.ended(&report, Some(project))
    }

    /// Checks a few of all steps.
    async fn narrow(
        &self,
        narrow: Narrow,
        steps: &[BuildStep],
        versions: &Versions,
    ) -> Result<Narrowed, CliError> {
        self.many.store(true, Ordering::Relaxed);
        let live = Live::new(self.shop.workspace.cas(), &narrow.project, &narrow.choice);
        let hear = |progress: Progress<'_>| {
            self.doubt(&progress, versions, steps.iter());
            live.hear(&progress);
            self.tell(&progress);
        };
        let narrowed = narrow.check(&self.shop, &hear);
        Ok(live.beside(self.ui, narrowed).await?)
    }

    /// Checks all steps that are wanted.
    async fn whole(
        &self,
        project: &Arc<Project>,
        choice: &Choice,
        ahead: Option<Box<Ahead>>,
        versions: &Versions,
    ) -> Result<CheckReport, CliError> {
        let many = choice.wanted.len() > STEPS_SHOWN;
        self.many.store(many, Ordering::Relaxed);
        let live = Live::new(self.shop.workspace.cas(), project, choice);
        let hear = |progress: Progress<'_>| {
            let steps = choice.wanted.iter().map(|step| project.step(*step));
            self.doubt(&progress, versions, steps);
            live.hear(&progress);
            self.tell(&progress);
        };
        let checked = check_after(&self.shop, project, choice, ahead, &hear);
        let report = live.beside(self.ui, checked).await?;
        let sharing = self.shop.sharing.as_ref();
        if let Some(fault) = sharing.and_then(|sharing| sharing.fault()) {
            self.ui
                .warn(&format!("the shared cache did not help: {fault}"));
        }
        Ok(report)
    }

    /// Says which programs are other versions than is wanted, before they are used: where nothing is
    /// executed, nothing is executed by the wrong version.
    fn doubt<'a>(
        &self,
        progress: &Progress<'_>,
        versions: &Versions,
        steps: impl Iterator<Item = &'a BuildStep>,
    ) {
        if matches!(progress, Progress::Planned(_)) && self.round == Round::First {
            doubt(self.ui, versions, steps, &self.shop.env);
        }
    }

    fn tell(&self, progress: &Progress<'_>) {
        let spared = !self.args.explain && progress.is_spared();
        let many = self.many.load(Ordering::Relaxed);
        let silent = if self.ui.is_json() {
            spared && many
        } else {
            !self.ui.is_talking() || (spared && (self.round == Round::Echo || many))
        };
        if !silent {
            tell(self.ui, self.args, progress);
        }
    }

    fn ended(
        &self,
        report: &CheckReport,
        project: Option<Arc<Project>>,
    ) -> Result<Ended, CliError> {
        let code = end(self.ui, self.args, &self.place, report, self.round)?;
        Ok(Ended { code, project })
    }
}
