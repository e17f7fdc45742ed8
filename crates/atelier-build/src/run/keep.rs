//! What is kept at the end of a check: what was learnt, and that everything stands.

use std::{collections::BTreeMap, sync::Arc};

use atelier_model::Digest;
use atelier_step::StepIndex;

use super::Run;
use crate::{
    CheckError, Project, Workshop,
    check::blocking,
    examine::{Examined, Inspector},
    look::{First, STEPS_AT_ONCE, made_of},
    standing::{NAMED_MAX, Notes, digest, key},
    workshop::Program,
};

impl Run<'_> {
    /// Keeps what was learnt; where every step has `passed`, also that all of it stands.
    pub(super) async fn keep(&mut self, passed: bool) -> Result<(), CheckError> {
        let asked = self.choice.asked.filter(|_| passed);
        let ended = Ended {
            shop: self.shop.clone(),
            project: Arc::clone(self.project),
            inspector: Arc::clone(&self.inspector),
            moved: self.moved,
            made: std::mem::take(&mut self.made),
            stands: std::mem::take(&mut self.first),
        };
        let is_asked = asked.is_some();
        let ended = blocking(move || {
            let mut ended = ended;
            ended.learn(is_asked)?;
            Ok(ended)
        })
        .await?;
        let Some(asked) = asked else {
            return Ok(());
        };
        if let Some(notes) = self.notes(&ended.stands) {
            blocking(move || {
                ended.keep(&asked, &notes);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// What the next check is to say and to look at beside the paths; `None` where a step does not
    /// stand.
    fn notes(&self, stands: &First) -> Option<Notes> {
        let wanted = &self.choice.wanted;
        let mut notes = Notes {
            env_pass: BTreeMap::new(),
            programs: self.inspector.programs().to_vec(),
            steps: wanted.len(),
            tests: self.tests,
            saved_ms: 0,
            reports: Vec::new(),
        };
        for step in wanted {
            let record = stands.get(step).filter(|step| step.stands())?;
            let record = record.record.as_ref()?;
            let one = self.project.step(*step);
            for name in &one.env_pass {
                let value = digest(self.shop, name);
                notes.env_pass.insert(name.clone(), value);
            }
            let history = self.shop.workspace.cas().history(&one.name);
            let usual = history.and_then(|history| history.usual_ms());
            notes.saved_ms += usual.unwrap_or(0);
            if wanted.len() <= NAMED_MAX {
                let report = self.still(*step, record, usual.unwrap_or(0));
                notes.reports.push(report);
            }
        }
        let known = notes.programs.iter().all(Program::is_known);
        known.then_some(notes)
    }
}

/// A check whose steps are over.
struct Ended {
    shop: Workshop,
    project: Arc<Project>,
    inspector: Arc<Inspector>,
    moved: bool,
    made: BTreeMap<StepIndex, Digest>,
    /// The steps as they were examined last.
    stands: First,
}

impl Ended {
    /// Writes what was learnt. `again` is whether the steps that were not as they are now at the first
    /// look are examined once more.
    fn learn(&mut self, again: bool) -> Result<(), CheckError> {
        if self.moved {
            self.inspector.finish()?;
        }
        if again && self.moved {
            self.examine()?;
        }
        let cas = self.shop.workspace.cas();
        self.shop.workspace.settle()?;
        cas.save()?;
        if self.moved {
            cas.evict()?;
        }
        Ok(())
    }

    fn examine(&mut self) -> Result<(), CheckError> {
        let steps: Vec<StepIndex> = self.made.keys().copied().collect();
        self.inspector.forget_outputs(&steps);
        for part in steps.chunks(STEPS_AT_ONCE) {
            let made = |step| {
                let before = || Some(made_of(&self.project, step, self.stands.get(&step)?));
                self.made.get(&step).copied().or_else(before)
            };
            let mut examined = self.inspector.examine(part, &made)?;
            examined.iter_mut().for_each(Examined::slim);
            let examined = examined.into_iter().map(Arc::new);
            self.stands.extend(part.iter().copied().zip(examined));
        }
        Ok(())
    }

    /// Keeps that everything stands.
    fn keep(&self, asked: &Digest, notes: &Notes) {
        let Some(standing) = self.inspector.noted() else {
            return;
        };
        let notes = serde_json::to_vec(notes).unwrap_or_default();
        let key = key(&self.shop, asked);
        // What cannot be written costs the next check looking at everything.
        let _ = self.shop.workspace.keep_standing(&key, &standing, &notes);
    }
}
