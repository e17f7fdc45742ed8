//! A check of which all but a few files stand: only the steps that read those are looked at.
//!
//! Where at most one of them is due and makes what it made before, everything else stands, and the
//! graph of all steps is not needed. Whatever is not so simple leads to the whole way, which then uses
//! what was executed already: no step is executed twice.

use std::sync::Arc;

use atelier_cas::Touched;
use atelier_exec::JobServer;
use atelier_model::{BuildStep, Digest, PatternForm, RootPattern};
use atelier_step::{Capacity, Explanation, OnFailure, StepIndex};
use tokio::time::Instant;

use crate::{
    CheckError, CheckReport, Plan, Project, Workshop,
    check::{Choice, Progress, blocking},
    examine::{Examined, Inspector},
    execute::{Executed, Try, execute},
    look::{First, Past, survey},
    run::Run,
    settle::{Seen, settle},
    standing::{NAMED_MAX, Notes},
};

/// Steps that are looked at for the sake of a few files; with more, everything is.
const CONCERNED_MAX: usize = 64;

/// Everything that a check found standing, except a few files.
#[derive(Debug)]
pub struct Nearly {
    pub(crate) key: Digest,
    pub(crate) touched: Arc<Touched>,
    pub(crate) notes: Notes,
}

/// The steps that read a few files, as a check of their own.
pub struct Narrow {
    nearly: Nearly,
    /// The steps.
    pub project: Arc<Project>,
    /// All of them.
    pub choice: Choice,
}

/// What a narrow check came to.
#[derive(Debug)]
pub enum Narrowed {
    /// Everything stands again.
    Over(CheckReport),
    /// Everything has to be looked at; with what was executed already, if anything was.
    Open(Option<Box<Ahead>>),
}

/// A step that was executed before everything else was looked at.
#[derive(Debug)]
pub struct Ahead {
    pub(crate) name: String,
    pub(crate) examined: Arc<Examined>,
    pub(crate) why: Explanation,
    pub(crate) executed: Executed,
    pub(crate) took_ms: u64,
}

impl Nearly {
    /// The steps that read what was touched; `None` where what they make does not depend on that
    /// alone, or more than they may have to be looked at.
    pub fn narrow(
        self,
        shop: &Workshop,
        steps: &[BuildStep],
        on_failure: OnFailure,
        capacity: Capacity,
    ) -> Option<Narrow> {
        let simple = shop.sharing.is_none()
            && self.notes.steps == steps.len()
            && steps.len() > NAMED_MAX
            && !steps.iter().any(|step| self.is_made(step));
        let concerned = steps.iter().filter(|step| self.is_read(step));
        let concerned: Vec<BuildStep> = concerned.take(CONCERNED_MAX + 1).cloned().collect();
        if !simple
            || concerned.is_empty()
            || concerned.len() > CONCERNED_MAX
            || !concerned.iter().all(is_simple)
        {
            return None;
        }
        let project = Project::new(concerned).ok()?;
        let choice = Choice {
            wanted: project.graph.steps().collect(),
            force: false,
            on_failure,
            capacity,
            trace: false,
            named: false,
            asked: None,
        };
        Some(Narrow {
            nearly: self,
            project: Arc::new(project),
            choice,
        })
    }

    /// Whether a step may make any of what was touched.
    fn is_made(&self, step: &BuildStep) -> bool {
        let outputs = step.outputs_from_root();
        let marks = step.marks_from_root();
        let mut all = outputs.iter().chain(&marks);
        all.any(|pattern| self.is_touched(pattern))
    }

    /// Whether a step may read any of it.
    fn is_read(&self, step: &BuildStep) -> bool {
        let inputs = step.inputs_from_root();
        step.inputs.is_empty() || inputs.iter().any(|pattern| self.is_touched(pattern))
    }

    /// Whether a pattern may name any of it: it lies at or below where all lies that the pattern names.
    fn is_touched(&self, pattern: &RootPattern) -> bool {
        let base = match pattern.form {
            PatternForm::Path => pattern.text.as_str(),
            PatternForm::Folder | PatternForm::Glob => pattern.base(),
        };
        let mut paths = self.touched.paths().iter();
        paths.any(|path| {
            let rest = path.strip_prefix(base);
            rest.is_some_and(|rest| base.is_empty() || rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// Whether what a step makes is files that depend on the files that it names, and on nothing else.
fn is_simple(step: &BuildStep) -> bool {
    !step.inputs.is_empty()
        && !step.outputs.is_empty()
        && step.depends_on.is_empty()
        && step.marks.is_empty()
        && step.report.is_none()
        && step.cacheable
}

impl Narrow {
    /// Looks at the steps, and executes the one that is due.
    pub async fn check(
        self,
        shop: &Workshop,
        tell: &(dyn Fn(Progress<'_>) + Send + Sync),
    ) -> Result<Narrowed, CheckError> {
        let begun = Instant::now();
        let (own, project) = (shop.clone(), Arc::clone(&self.project));
        let wanted = self.choice.wanted.clone();
        let first = blocking(move || {
            own.workspace.cas().load()?;
            survey(&own, &project, &wanted, false)
        })
        .await?;
        let mut due = first.1.iter().filter(|(_, examined)| !examined.stands());
        let ahead = match (due.next(), due.next()) {
            (None, _) => None,
            (Some((step, examined)), None)
                if examined.record.is_none() && examined.before.is_some() =>
            {
                let Some(ahead) = self.execute(shop, tell, &first, *step).await? else {
                    return Ok(Narrowed::Open(None));
                };
                if !ahead.is_as_before() || !self.is_alone(shop, &ahead).await? {
                    return Ok(Narrowed::Open(Some(Box::new(ahead))));
                }
                Some(ahead)
            }
            (Some(_), _) => return Ok(Narrowed::Open(None)),
        };
        self.conclude(shop, tell, first, ahead, begun).await
    }

    /// Whether a step has changed nothing but what it says that it makes.
    async fn is_alone(&self, shop: &Workshop, ahead: &Ahead) -> Result<bool, CheckError> {
        let (own, touched) = (shop.clone(), Arc::clone(&self.nearly.touched));
        let outputs = ahead.executed.outputs.clone();
        let made = move |path: &str| outputs.iter().any(|(own, _)| own == path);
        blocking(move || Ok(own.workspace.stands_but(&touched, made))).await
    }

    /// Executes a step that is due; `None` where it is not any more.
    async fn execute(
        &self,
        shop: &Workshop,
        tell: &(dyn Fn(Progress<'_>) + Send + Sync),
        (inspector, first): &(Arc<Inspector>, First),
        step: StepIndex,
    ) -> Result<Option<Ahead>, CheckError> {
        let (own, project) = (Arc::clone(inspector), Arc::clone(&self.project));
        let Some(examined) = first.get(&step).cloned() else {
            return Ok(None);
        };
        let seen = blocking(move || settle(&own, &project, step, examined, false)).await?;
        let Seen::Due { examined, why } = seen else {
            return Ok(None);
        };
        let cpu = self.choice.capacity.cpu.max(1);
        let past = Past::of(shop, &self.project, first, false);
        tell(Progress::Planned(&Plan {
            steps: self.nearly.notes.steps,
            ..Plan::new(&self.project, &past, first, cpu, false)
        }));
        let name = self.project.graph.name(step).to_owned();
        tell(Progress::Began {
            step: &name,
            attempt: 1,
            why: &why,
        });
        let begun = Instant::now();
        let one = Try {
            project: Arc::clone(&self.project),
            inspector: Arc::clone(inspector),
            step,
            examined: Arc::clone(&examined),
            why: why.clone(),
            attempt: 1,
            cpu: self.project.step(step).cpu.clamp(1, cpu),
        };
        let jobs = match &shop.jobs {
            Some(jobs) => Arc::clone(jobs),
            None => Arc::new(JobServer::open(&shop.home, cpu).map_err(CheckError::JobServer)?),
        };
        let cancel = shop.cancel.child_token();
        let executed = execute(&Arc::new(shop.clone()), &jobs, one, &cancel).await;
        let executed = executed.map_err(|source| CheckError::Keep {
            step: name.clone(),
            source,
        })?;
        inspector.moved();
        Ok(Some(Ahead {
            name,
            examined,
            why,
            executed,
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }))
    }

    /// Sums up what is so for all steps, and keeps that all of them stand.
    async fn conclude(
        self,
        shop: &Workshop,
        tell: &(dyn Fn(Progress<'_>) + Send + Sync),
        first: (Arc<Inspector>, First),
        ahead: Option<Ahead>,
        begun: Instant,
    ) -> Result<Narrowed, CheckError> {
        let Self {
            nearly,
            project,
            choice,
        } = self;
        let usual_ms = || -> u64 {
            let cas = shop.workspace.cas();
            let usual = |step: &BuildStep| cas.history(&step.name)?.usual_ms();
            project.steps.iter().filter_map(usual).sum()
        };
        let (own, again, wanted) = (shop.clone(), Arc::clone(&project), choice.wanted.clone());
        let (inspector, stands) = blocking(move || survey(&own, &again, &wanted, true)).await?;
        let others_ms = nearly.notes.saved_ms.saturating_sub(usual_ms());
        let run = Run::new(shop, &project, &choice, tell, first, ahead, begun)?;
        let mut report = run.conclude().await?;
        if !report.passed {
            return Ok(Narrowed::Open(None));
        }
        report.unchanged += nearly.notes.steps.saturating_sub(project.steps.len());
        report.tests += nearly.notes.tests;
        report.saved_ms += others_ms;
        if stands.values().all(|step| step.stands())
            && let Some(standing) = inspector.noted()
        {
            let notes = Notes {
                saved_ms: others_ms + usual_ms(),
                ..nearly.notes
            };
            let own = shop.clone();
            blocking(move || {
                let notes = serde_json::to_vec(&notes).unwrap_or_default();
                let (key, touched) = (&nearly.key, &nearly.touched);
                // What cannot be written costs the next check looking at everything.
                let _ = own
                    .workspace
                    .renew_standing(key, touched, &standing, &notes);
                Ok(())
            })
            .await?;
        }
        Ok(Narrowed::Over(report))
    }
}

impl Ahead {
    /// Whether what the step made is what it made before.
    fn is_as_before(&self) -> bool {
        !self.executed.stopped
            && self.executed.failure.is_none()
            && Some(self.executed.outputs.digest()) == self.examined.before
    }
}
