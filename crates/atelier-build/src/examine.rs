//! Whether a step's result stands, can be brought back, or has to be made: by its key.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use atelier_cas::{
    DriftKind, Found, Input, LookError, Outcome, Outputs, PutBlobError, Record, RecordError,
    Standing, Survey, SurveyError, Workspace,
};
use atelier_model::{BuildStep, Digest, PatternForm, RootPattern};
use atelier_step::{
    DESCRIPTOR_VERSION, Descriptor, Explanation, Findings, InputTree, Kept, Leaf, LeafMode,
    OutputFault, StepIndex,
};

use serde::{Deserialize, Serialize};

use crate::{Project, Workshop, execute::KeepError, made::Made, workshop::Program};

/// Why a step could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// The files of the folder could not be found.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// A file could not be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// The store could not be asked.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store took something not in.
    #[error(transparent)]
    Put(#[from] PutBlobError),
}

/// What is known of a step at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Examined {
    pub(crate) descriptor: Descriptor,
    pub(crate) key: Digest,
    /// What it made the last time from the same.
    pub(crate) record: Option<Record>,
    /// What of that does not stand, and all that is to be said beside the descriptor.
    pub(crate) findings: Findings,
    /// The digest of what it made the last time from anything, where that stands still.
    pub(crate) before: Option<Digest>,
    /// Whether the record came from another machine in this check.
    pub(crate) shared: bool,
}

impl Examined {
    /// Forgets what a step whose result stands was made from: nobody asks for it, and of ten thousand
    /// steps it is most of what they take in memory.
    pub(crate) fn slim(&mut self) {
        if self.stands() {
            self.descriptor.inputs = InputTree::new(Vec::new());
            self.descriptor.argv = Vec::new();
            self.descriptor.env = BTreeMap::new();
            self.descriptor.tools = BTreeMap::new();
            self.descriptor.outputs = BTreeSet::new();
            self.descriptor.dependencies = BTreeMap::new();
        }
    }

    /// Whether the result stands as it was made.
    pub(crate) fn stands(&self) -> bool {
        self.record.is_some() && self.findings.outputs.is_empty()
    }
}

impl Examined {
    /// Whether the files that were read stand still as they were looked at.
    pub(crate) fn is_current(&self, workspace: &Workspace) -> Result<bool, LookError> {
        let leaves = self.descriptor.inputs.leaves();
        let paths: Vec<&str> = leaves.iter().map(|leaf| leaf.path.as_str()).collect();
        let found = workspace.look(&paths)?;
        let same = |(known, found): (&Leaf, Found)| {
            let path = known.path.clone();
            leaf(Input { path, found }).as_ref() == Some(known)
        };
        Ok(leaves.iter().zip(found).all(same))
    }
}

/// What is kept with the record of an execution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MadeFrom<'a> {
    pub(crate) descriptor: Cow<'a, Descriptor>,
    pub(crate) why: Cow<'a, Explanation>,
}

/// Examines steps.
pub(crate) struct Inspector {
    shop: Workshop,
    project: Arc<Project>,
    programs: Vec<Program>,
    identities: BTreeMap<String, String>,
    surroundings: BTreeMap<String, Digest>,
    surroundings_digest: Digest,
    made: Mutex<Made>,
    /// The files of the folder, until a step has been executed or restored.
    survey: Mutex<Arc<Survey>>,
    /// The paths there were before anything was done, where a step reads its whole folder.
    first: Option<BTreeSet<String>>,
    /// What was seen, where that is to be kept.
    noted: Mutex<Option<Standing>>,
}

impl Inspector {
    /// Looks at the folder as it is before anything is done.
    pub(crate) fn new(
        shop: Workshop,
        project: Arc<Project>,
        wanted: &[StepIndex],
    ) -> Result<Self, ExamineError> {
        let survey = Arc::new(Survey::default());
        let mut made = Made::default();
        let mut first = None;
        if wanted
            .iter()
            .any(|step| project.step(*step).inputs.is_empty())
        {
            made = Made::load(shop.workspace.cas())?;
            made.forget_changed(&shop.workspace)?;
            let files = files(&shop, &survey)?.into_iter();
            first = Some(files.map(|input| input.path).collect());
        }
        let surroundings = shop.surroundings();
        let kept = serde_json::to_vec(&surroundings).unwrap_or_default();
        let programs = shop.programs(wanted.iter().map(|step| project.step(*step)));
        let identities = programs
            .iter()
            .filter_map(|program| Some((program.name.clone(), shop.identity(program)?)))
            .collect();
        Ok(Self {
            surroundings_digest: Digest::of(&kept),
            surroundings,
            programs,
            identities,
            noted: Mutex::default(),
            made: Mutex::new(made),
            survey: Mutex::new(survey),
            first,
            shop,
            project,
        })
    }

    /// The files of the folder have changed.
    pub(crate) fn moved(&self) {
        let mut survey = self.survey.lock().unwrap_or_else(PoisonError::into_inner);
        if !survey.is_untouched() {
            *survey = Arc::default();
            // Which files there are now is for the next check to see.
            *self.notes() = None;
        }
    }

    fn survey(&self) -> Arc<Survey> {
        Arc::clone(&self.survey.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Examines some steps; `made` says of a step what it made, by its digest.
    pub(crate) fn examine(
        &self,
        steps: &[StepIndex],
        made: &dyn Fn(StepIndex) -> Option<Digest>,
    ) -> Result<Vec<Examined>, ExamineError> {
        let trees = self.inputs(steps)?;
        let mut examined = Vec::with_capacity(steps.len());
        for (step, inputs) in steps.iter().zip(trees) {
            let descriptor = self.descriptor(*step, inputs, made);
            let key = descriptor.key().0;
            let cacheable = self.project.step(*step).cacheable;
            let record = if cacheable {
                self.shop.workspace.cas().find(&key)?
            } else {
                None
            };
            examined.push(Examined {
                descriptor,
                key,
                record,
                findings: Findings {
                    uncached: !cacheable,
                    ..Findings::default()
                },
                before: None,
                shared: false,
            });
        }
        self.compare(&mut examined)?;
        for (step, examined) in steps.iter().zip(&mut examined) {
            if examined.record.is_none() {
                examined.before = self.standing(*step)?;
            }
        }
        Ok(examined)
    }

    /// What a step made the last time, where it stands still.
    fn standing(&self, step: StepIndex) -> Result<Option<Digest>, ExamineError> {
        if self.project.step(step).outputs.is_empty() {
            return Ok(None);
        }
        let cas = self.shop.workspace.cas();
        let Some(last) = cas.last_record(self.project.graph.name(step))? else {
            return Ok(None);
        };
        let outputs = &last.outputs;
        if last.outcome == Outcome::Failed || outputs.is_empty() {
            return Ok(None);
        }
        let drift = self.shop.workspace.drift(&[outputs])?;
        Ok(drift.iter().all(Vec::is_empty).then(|| outputs.digest()))
    }

    /// Brings a result back, and takes away what was made since and does not belong to it.
    pub(crate) fn restore(&self, record: &Record) -> Result<(), KeepError> {
        if let Some(last) = self.shop.workspace.cas().last_record(&record.step)? {
            self.shop
                .workspace
                .remove_stale(&last.outputs, &record.outputs)?;
        }
        self.shop.workspace.restore(&record.outputs)?;
        self.moved();
        Ok(())
    }

    /// The trees of what the steps read, with all files looked at together. A step that does not say
    /// what it reads reads its folder, without what any step makes.
    fn inputs(&self, steps: &[StepIndex]) -> Result<Vec<InputTree>, ExamineError> {
        let patterns: Vec<_> = steps
            .iter()
            .map(|step| self.project.step(*step).inputs_from_root())
            .collect();
        let found = self.shop.workspace.inputs(&self.survey(), &patterns)?;
        self.note_inputs(&patterns, &found);
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let tree = |(step, inputs): (&StepIndex, Vec<Input>)| {
            let one = self.project.step(*step);
            let is_input = |leaf: &Leaf| {
                if one.inputs.is_empty() {
                    // What came since the beginning was left by steps.
                    let old = self
                        .first
                        .as_ref()
                        .is_none_or(|first| first.contains(&leaf.path));
                    old && self.project.graph.producer(&leaf.path).is_none()
                        && !made.is(&leaf.path, &leaf.digest)
                } else {
                    one.outputs.is_empty() || self.project.graph.producer(&leaf.path) != Some(*step)
                }
            };
            InputTree::new(
                inputs
                    .into_iter()
                    .filter_map(leaf)
                    .filter(is_input)
                    .collect(),
            )
        };
        Ok(steps.iter().zip(found).map(tree).collect())
    }

    fn descriptor(
        &self,
        step: StepIndex,
        inputs: InputTree,
        made: &dyn Fn(StepIndex) -> Option<Digest>,
    ) -> Descriptor {
        let one = self.project.step(step);
        let graph = &self.project.graph;
        // What a step reads of others it reads as files; of the others, what they made as a whole.
        let said = graph
            .needs(step)
            .iter()
            .filter(|needed| one.depends_on.contains(graph.name(**needed)));
        let dependencies = said.map(|needed| {
            let digest = made(*needed).unwrap_or_else(|| Digest::of(""));
            (graph.name(*needed).to_owned(), digest)
        });
        let tools = one
            .tools
            .iter()
            .map(|tool| &tool.program)
            .chain(one.argv.first());
        let tools = tools.filter_map(|name| self.identities.get_key_value(name));
        let outside = |name: &String| self.shop.outside.get(name).map(Digest::of);
        let env_pass = one
            .env_pass
            .iter()
            .map(|name| (name.clone(), outside(name)));
        Descriptor {
            version: DESCRIPTOR_VERSION,
            argv: one.argv.clone(),
            cwd: one.cwd.clone(),
            env: one.env.clone(),
            surroundings: self.surroundings_digest,
            env_pass: env_pass.collect(),
            tools: tools
                .map(|(name, identity)| (name.clone(), identity.clone()))
                .collect(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            sandbox: self.shop.level(one),
            network: one.network,
            outputs: one
                .outputs_from_root()
                .iter()
                .map(ToString::to_string)
                .collect(),
            inputs,
            dependencies: dependencies.collect(),
        }
    }

    /// Notes from now on what is seen, to be kept in the end.
    pub(crate) fn take_notes(&self) {
        *self.notes() = Some(Standing::default());
    }

    fn notes(&self) -> MutexGuard<'_, Option<Standing>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen, as far as it does not depend on what has changed since.
    pub(crate) fn noted(&self) -> Option<Standing> {
        let mut standing = self.notes().take()?;
        standing.add_survey(&self.survey());
        Some(standing)
    }

    /// Forgets what was noted of what some steps make.
    pub(crate) fn forget_outputs(&self, steps: &[StepIndex]) {
        let graph = &self.project.graph;
        let of_these = |path: &str| {
            let producer = graph.producer(path);
            producer.is_some_and(|step| steps.binary_search(&step).is_ok())
        };
        if let Some(noted) = &mut *self.notes() {
            noted.forget(of_these);
        }
    }

    fn note_inputs(&self, patterns: &[Vec<RootPattern>], found: &[Vec<Input>]) {
        let mut taken = self.notes();
        let Some(standing) = &mut *taken else {
            return;
        };
        let mut known = HashSet::new();
        for (patterns, found) in patterns.iter().zip(found) {
            // What no path names was looked at once for all steps; many read all there is.
            let by_name = patterns
                .iter()
                .any(|pattern| pattern.form == PatternForm::Path);
            if by_name || known.insert(patterns) {
                for input in found {
                    standing.add_input(input);
                }
            }
        }
    }

    /// Whether a program that a step needs is on its search path, as far as is known of before.
    pub(crate) fn has_program(&self, step: &BuildStep, name: &str) -> bool {
        let known = self
            .programs
            .binary_search_by(|known| known.name.as_str().cmp(name));
        !step.env.contains_key("PATH") && known.is_ok_and(|at| self.programs[at].file)
    }

    /// The programs of the steps, in the order of their names.
    pub(crate) fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// Compares what the records say with what stands.
    fn compare(&self, examined: &mut [Examined]) -> Result<(), ExamineError> {
        let found: Vec<usize> = (0..examined.len())
            .filter(|at| examined[*at].record.is_some())
            .collect();
        let outputs = found
            .iter()
            .filter_map(|at| examined[*at].record.as_ref())
            .map(|record| &record.outputs);
        let outputs: Vec<&Outputs> = outputs.collect();
        let drifts = self.shop.workspace.drift(&outputs)?;
        if let Some(noted) = &mut *self.notes() {
            for outputs in outputs {
                noted.add_outputs(outputs);
            }
        }
        for (at, drift) in found.into_iter().zip(drifts) {
            let fault = |kind| match kind {
                DriftKind::Missing => OutputFault::Missing,
                DriftKind::Changed | DriftKind::Added => OutputFault::Tampered,
            };
            let faults = drift.into_iter().map(|one| (one.path, fault(one.kind)));
            examined[at].findings.outputs = faults.collect();
        }
        Ok(())
    }

    /// Finds what of results that were brought from elsewhere does not stand yet.
    pub(crate) fn compare_shared(
        &self,
        examined: &mut [Arc<Examined>],
    ) -> Result<(), ExamineError> {
        for one in examined.iter_mut().filter(|one| one.shared) {
            self.compare(std::slice::from_mut(Arc::make_mut(one)))?;
        }
        Ok(())
    }

    /// What the last execution of a step was made from, and what has become of its result.
    pub(crate) fn previous(
        &self,
        step: StepIndex,
        now: &mut Examined,
    ) -> Result<Option<Descriptor>, ExamineError> {
        let name = self.project.graph.name(step);
        let Some(last) = self.shop.workspace.cas().last(name)? else {
            return Ok(None);
        };
        if last.record.key == now.key && now.record.is_none() {
            now.findings.kept = match last.record.outcome {
                Outcome::Failed => Kept::Failed,
                Outcome::Flaky => Kept::Flaky,
                Outcome::Passed if now.findings.uncached => Kept::Good,
                Outcome::Passed => Kept::Evicted,
            };
        }
        let bytes = last.descriptor.unwrap_or_default();
        let made_from: Option<MadeFrom<'_>> = serde_json::from_slice(&bytes).ok();
        let previous = made_from.map(|made_from| made_from.descriptor.into_owned());
        if let Some(previous) = &previous
            && previous.surroundings != self.surroundings_digest
        {
            // Lost, the names of the variables are not told.
            let kept = self.shop.workspace.cas().read(&previous.surroundings);
            let before = kept
                .ok()
                .and_then(|kept| serde_json::from_slice(&kept).ok());
            if let Some(before) = before {
                now.findings.surroundings = [before, self.surroundings.clone()];
            }
        }
        Ok(previous)
    }

    /// Remembers what steps have left behind, and what surrounded them.
    pub(crate) fn finish(&self) -> Result<(), ExamineError> {
        let kept = serde_json::to_vec(&self.surroundings).unwrap_or_default();
        self.shop.workspace.cas().put_bytes(&kept)?;
        let Some(first) = &self.first else {
            return Ok(());
        };
        self.moved();
        let after = files(&self.shop, &self.survey())?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let graph = &self.project.graph;
        if made.learn(first, after, |path| graph.producer(path).is_some()) {
            made.save(self.shop.workspace.cas(), self.shop.clock.now())?;
        }
        Ok(())
    }
}

/// Every file of the folder that git does not leave out.
fn files(shop: &Workshop, survey: &Survey) -> Result<Vec<Input>, ExamineError> {
    let whole = [vec![RootPattern::folder(None)]];
    let found = shop.workspace.inputs(survey, &whole)?;
    Ok(found.into_iter().flatten().collect())
}

fn leaf(input: Input) -> Option<Leaf> {
    let (mode, digest) = match input.found {
        Found::File {
            digest,
            executable: true,
            ..
        } => (LeafMode::Executable, digest),
        Found::File { digest, .. } => (LeafMode::File, digest),
        Found::Link { target } => (LeafMode::Link, target),
        Found::Folder | Found::Special | Found::Absent | Found::Outside => return None,
    };
    Some(Leaf {
        path: input.path,
        mode,
        digest,
    })
}
