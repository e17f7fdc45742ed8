//! The stages asked in order: design, plan, detail (one ask a phase, several at once), handoff.

use std::collections::BTreeMap;

use atelier_llm::{AskError, Gateway};
use atelier_model::{
    Ask, BasicPlan, Clock, Design, DetailedPhase, DevPlan, Digest, EventKind, FileTree, Handoff,
    Limits, Message, PhaseOutline, Prose, Role, Run, Stage, StopReason, Task,
};
use atelier_prompt::{Library, ReadAnswerError, RenderPromptError, answer};
use atelier_store::{Store, StoreError};
use futures_util::{StreamExt, stream};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    delta::DeltaError,
    lint::{Problem, lint},
    number,
    stages::{STAGES, StageEntry},
};

/// Asks for one answer: the first, and one more with the error if it could not be read.
const FORM_ASKS_MAX: u32 = 2;
/// Paths of existing files named to the design stage.
pub(crate) const FILES_NAMED_MAX: usize = 400;
/// Tokens of one existing document shown to the design stage.
const DOCUMENT_TOKENS_MAX: usize = 1_500;
/// Existing documents that tell what a project is.
const TELLING: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "docs/DESIGN.md",
    "HANDOFF.md",
    "PROGRESS.md",
];

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// A prompt could not be made.
    #[error("render the prompt of the {stage} stage")]
    Render {
        /// The stage.
        stage: Stage,
        /// Why.
        #[source]
        source: RenderPromptError,
    },
    /// The model could not be asked.
    #[error("ask for the {stage}")]
    Ask {
        /// The stage.
        stage: Stage,
        /// Why.
        #[source]
        source: AskError,
    },
    /// The model answered twice in a form that cannot be used.
    #[error("read the answer of the {stage} stage")]
    Answer {
        /// The stage.
        stage: Stage,
        /// Why.
        #[source]
        source: ReadAnswerError,
    },
    /// The answer was cut off by its token limit, twice.
    #[error("get the whole answer of the {stage} stage: it was cut off at the token limit")]
    CutOff {
        /// The stage.
        stage: Stage,
    },
    /// The plan cannot be executed, also after the model was shown why.
    #[error("make a plan that can be executed:\n{}", list(.0))]
    Lint(Vec<Problem>),
    /// A change does not fit the plan it is of, also after the model was shown why.
    #[error("apply the change to the plan")]
    Delta(#[source] DeltaError),
    /// State could not be read or written.
    #[error("keep the plan")]
    Store(#[from] StoreError),
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("- {}", problem.text))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The project as it stands before the first step.
#[derive(Debug, Clone, Default)]
pub struct Ground {
    /// Its files.
    pub files: FileTree,
    /// The project's own rules for those who write in it (`AGENTS.md`), or nothing.
    pub conventions: String,
}

/// What planning yields.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// The plan.
    pub plan: DevPlan,
    /// What the next person needs.
    pub handoff: Handoff,
}

/// Asks the stages for one run.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// Where artifacts are kept.
    pub store: &'a Store,
    /// The door to models.
    pub gateway: &'a Gateway,
    /// The prompts.
    pub library: &'a Library,
    /// The time.
    pub clock: &'a dyn Clock,
    /// How far anything may go.
    pub limits: &'a Limits,
    /// Set when a person stops the run.
    pub cancel: &'a CancellationToken,
    /// The run.
    pub run: &'a Run,
}

/// One conversation with a model.
pub(crate) struct Talk {
    entry: &'static StageEntry,
    phase: Option<u32>,
    version: Digest,
    pub(crate) messages: Vec<Message>,
    facts: Value,
}

impl Draft<'_> {
    /// Asks for design, plan, details and handoff, and returns a plan without lint problems.
    ///
    /// Asking again after a crash repeats the same asks, which the store answers.
    pub async fn plan(&self, ground: &Ground) -> Result<Drafted, DraftError> {
        let design = self.design(ground).await?;
        let basic = self.basic(ground, &design).await?;
        let mut phases = self.details(ground, &design, &basic).await?;
        let mut plan = assemble(&design, &basic, &phases);
        let problems = self.judge(&plan, ground).await?;
        if !problems.is_empty() {
            self.mend(&mut phases, &problems).await?;
            plan = assemble(&design, &basic, &phases);
            let left = self.judge(&plan, ground).await?;
            if !left.is_empty() {
                return Err(DraftError::Lint(left));
            }
        }
        let handoff = self.handoff(&plan).await?;
        Ok(Drafted { plan, handoff })
    }

    /// Asks for the prose of the documents, once the tasks are done; the answer for this plan
    /// and this number of tasks is kept and not asked for again.
    pub async fn prose(
        &self,
        plan: &DevPlan,
        files: &FileTree,
        tasks: &[Task],
    ) -> Result<Prose, DraftError> {
        // A changed plan is described anew.
        let told = Digest::of_json(&(&self.run.requirement, plan));
        let name = format!("prose-{}-{told}", tasks.len());
        let kept = self
            .store
            .artifact_fetch(&self.run.id, Stage::Docs, &name)
            .await?;
        if let Some(prose) = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(prose);
        }
        let paths: Vec<_> = files.paths().take(FILES_NAMED_MAX).collect();
        let done: Vec<_> = tasks
            .iter()
            .map(|task| json!({"number": task.step, "title": task.title, "outputs": task.outputs}))
            .collect();
        let inputs = json!({
            "requirement": self.run.requirement, "design": plan.design, "files": paths,
            "tasks": done,
        });
        let facts =
            json!({"requirement": self.run.requirement, "design": plan.design, "files": paths});
        let mut talk = self.talk::<Prose>(Stage::Docs, None, inputs, facts)?;
        let prose: Prose = self.answer(&mut talk).await?;
        self.keep(&talk, &name, &prose, "documents described")
            .await?;
        Ok(prose)
    }

    async fn design(&self, ground: &Ground) -> Result<Design, DraftError> {
        let paths: Vec<_> = ground.files.paths().take(FILES_NAMED_MAX).collect();
        let inputs = json!({
            "requirement": self.run.requirement, "files": paths, "documents": documents(ground),
            "conventions": ground.conventions,
        });
        let facts = json!({"requirement": self.run.requirement, "files": paths});
        let mut talk = self.talk::<Design>(Stage::Design, None, inputs, facts)?;
        let design: Design = self.answer(&mut talk).await?;
        let summary = format!(
            "{}: {}, {}",
            design.name,
            count(design.components.len(), "component"),
            count(design.requirements.len(), "requirement")
        );
        self.keep(&talk, "design", &design, &summary).await?;
        Ok(design)
    }

    async fn basic(&self, ground: &Ground, design: &Design) -> Result<BasicPlan, DraftError> {
        let paths: Vec<_> = ground.files.paths().take(FILES_NAMED_MAX).collect();
        let inputs = json!({"requirement": self.run.requirement, "files": paths, "design": design});
        let facts = json!({"requirement": self.run.requirement, "files": paths, "design": design});
        let mut talk = self.talk::<BasicPlan>(Stage::Plan, None, inputs, facts)?;
        let mut plan: BasicPlan = self.answer(&mut talk).await?;
        for (number, phase) in (1..).zip(&mut plan.phases) {
            phase.number = number;
            phase.depends_on.retain(|before| *before < number);
        }
        self.keep(&talk, "plan", &plan, &count(plan.phases.len(), "phase"))
            .await?;
        Ok(plan)
    }

    /// Every phase in its own conversation, several at once, answers in the order of the phases.
    async fn details(
        &self,
        ground: &Ground,
        design: &Design,
        plan: &BasicPlan,
    ) -> Result<Vec<(Talk, DetailedPhase)>, DraftError> {
        let at_once = self.limits.detail_asks_at_once_max.max(1);
        let answers: Vec<_> = stream::iter(&plan.phases)
            .map(|phase| self.detail(ground, design, plan, phase))
            .buffered(at_once)
            .collect()
            .await;
        // An answer that is already paid for is kept even where another phase failed.
        answers.into_iter().collect()
    }

    async fn detail(
        &self,
        ground: &Ground,
        design: &Design,
        plan: &BasicPlan,
        phase: &PhaseOutline,
    ) -> Result<(Talk, DetailedPhase), DraftError> {
        let paths: Vec<_> = ground.files.paths().take(FILES_NAMED_MAX).collect();
        let inputs = json!({
            "requirement": self.run.requirement, "design": design, "plan": plan, "phase": phase,
            "files": paths,
        });
        let facts = json!({
            "requirement": self.run.requirement, "files": paths, "design": design, "plan": plan,
            "phase": phase.number,
        });
        let mut talk =
            self.talk::<DetailedPhase>(Stage::Detail, Some(phase.number), inputs, facts)?;
        let detailed = self.detailed(&mut talk, phase.number).await?;
        Ok((talk, detailed))
    }

    async fn detailed(&self, talk: &mut Talk, number: u32) -> Result<DetailedPhase, DraftError> {
        let mut detailed: DetailedPhase = self.answer(talk).await?;
        detailed.number = number;
        let summary = count(detailed.steps.len(), "step");
        self.keep(talk, &format!("phase-{number}"), &detailed, &summary)
            .await?;
        Ok(detailed)
    }

    /// Shows each phase at fault its problems, once.
    async fn mend(
        &self,
        phases: &mut [(Talk, DetailedPhase)],
        problems: &[Problem],
    ) -> Result<(), DraftError> {
        let mut by_phase: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        let last = phases.last().map_or(0, |(_, phase)| phase.number);
        for problem in problems {
            by_phase
                .entry(problem.phase.unwrap_or(last))
                .or_default()
                .push(&problem.text);
        }
        for (talk, phase) in phases {
            let Some(problems) = by_phase.get(&phase.number) else {
                continue;
            };
            talk.messages.extend(self.turn(
                talk.entry.stage,
                "relint",
                &json!({"problems": problems}),
            )?);
            *phase = self.detailed(talk, phase.number).await?;
        }
        Ok(())
    }

    async fn judge(&self, plan: &DevPlan, ground: &Ground) -> Result<Vec<Problem>, DraftError> {
        let problems = lint(plan, &ground.files, self.limits);
        let texts = problems
            .iter()
            .map(|problem| problem.text.clone())
            .collect();
        let kind = EventKind::PlanLinted { problems: texts };
        self.store
            .event_append(Some(&self.run.id), None, kind, self.clock.now())
            .await?;
        Ok(problems)
    }

    /// Asks what the next person needs to take over.
    pub async fn handoff(&self, plan: &DevPlan) -> Result<Handoff, DraftError> {
        let facts =
            json!({"requirement": self.run.requirement, "design": plan.design, "plan": plan});
        let mut talk = self.talk::<Handoff>(Stage::Handoff, None, facts.clone(), facts)?;
        let handoff: Handoff = self.answer(&mut talk).await?;
        let summary = count(handoff.next_steps.len(), "next step");
        self.keep(&talk, "handoff", &handoff, &summary).await?;
        Ok(handoff)
    }

    /// Begins a conversation; `inputs` get the schema of the answer.
    pub(crate) fn talk<T: JsonSchema>(
        &self,
        stage: Stage,
        phase: Option<u32>,
        mut inputs: Value,
        facts: Value,
    ) -> Result<Talk, DraftError> {
        let entry = entry(stage);
        let schema = answer::schema::<T>();
        inputs["schema"] = Value::String(schema.to_string());
        let prompt = self
            .library
            .render(entry.template, &inputs)
            .map_err(|source| DraftError::Render { stage, source })?;
        Ok(Talk {
            entry,
            phase,
            version: prompt.version,
            messages: prompt.messages,
            facts,
        })
    }

    /// The user's turn that a template renders, without the standing instructions.
    pub(crate) fn turn(
        &self,
        stage: Stage,
        template: &str,
        inputs: &Value,
    ) -> Result<impl Iterator<Item = Message>, DraftError> {
        let prompt = self
            .library
            .render(template, inputs)
            .map_err(|source| DraftError::Render { stage, source })?;
        Ok(prompt
            .messages
            .into_iter()
            .filter(|message| message.role != Role::System))
    }

    /// Asks, reads, and asks once more with the error where the answer could not be read.
    pub(crate) async fn answer<T: DeserializeOwned + JsonSchema>(
        &self,
        talk: &mut Talk,
    ) -> Result<T, DraftError> {
        let stage = talk.entry.stage;
        let kind = EventKind::StageStarted {
            stage,
            phase: talk.phase,
        };
        self.store
            .event_append(Some(&self.run.id), None, kind, self.clock.now())
            .await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let reply = self.ask::<T>(talk).await?;
            talk.messages.push(Message {
                role: Role::Assistant,
                text: reply.text.clone(),
            });
            let (failure, said) = if reply.stop == StopReason::Length {
                let said = "the answer was cut off at the token limit: make it shorter".to_owned();
                (DraftError::CutOff { stage }, said)
            } else {
                match answer::read::<T>(&reply.text) {
                    Ok(answer) => return Ok(answer.value),
                    Err(source) => {
                        let said = source.to_string();
                        (DraftError::Answer { stage, source }, said)
                    }
                }
            };
            if tries >= FORM_ASKS_MAX {
                return Err(failure);
            }
            talk.messages
                .extend(self.turn(stage, "reask", &json!({"error": said}))?);
        }
    }

    async fn ask<T: JsonSchema>(&self, talk: &Talk) -> Result<atelier_model::Reply, DraftError> {
        let stage = talk.entry.stage;
        let ask = Ask {
            stage,
            run: self.run.id.clone(),
            task: None,
            messages: talk.messages.clone(),
            schema: Some((talk.entry.answer.to_owned(), answer::schema::<T>())),
            template: talk.entry.template.to_owned(),
            template_version: talk.version,
            attempt: 1,
            facts: talk.facts.clone(),
        };
        self.gateway
            .ask(&ask, self.run.budget.usd, self.cancel)
            .await
            .map_err(|source| DraftError::Ask { stage, source })
    }

    pub(crate) async fn keep(
        &self,
        talk: &Talk,
        name: &str,
        artifact: &impl Serialize,
        summary: &str,
    ) -> Result<(), DraftError> {
        let bytes = serde_json::to_vec(artifact).unwrap_or_default();
        let (run, stage) = (&self.run.id, talk.entry.stage);
        let now = self.clock.now();
        self.store
            .artifact_put(run, stage, name, &bytes, summary, talk.phase, now)
            .await?;
        Ok(())
    }
}

fn entry(stage: Stage) -> &'static StageEntry {
    // The table is constant and a test walks it: every stage with a typed artifact is there.
    STAGES
        .iter()
        .find(|entry| entry.stage == stage)
        .unwrap_or(&STAGES[0])
}

fn assemble(design: &Design, basic: &BasicPlan, phases: &[(Talk, DetailedPhase)]) -> DevPlan {
    let detailed: Vec<_> = phases.iter().map(|(_, phase)| phase.clone()).collect();
    DevPlan {
        design: design.clone(),
        summary: basic.summary.clone(),
        phases: number::join(basic, &detailed),
    }
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The documents that tell what an existing project is, shortened.
fn documents(ground: &Ground) -> Vec<Value> {
    TELLING
        .iter()
        .filter_map(|path| {
            let text = ground.files.text(&path.parse().ok()?)?;
            let bytes = text.len().min(DOCUMENT_TOKENS_MAX * 4);
            let end = text.floor_char_boundary(bytes);
            Some(json!({"path": path, "text": &text[..end]}))
        })
        .collect()
}
