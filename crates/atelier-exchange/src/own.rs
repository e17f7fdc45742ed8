//! Our own form: everything a plan says, in a file that a person can edit.

use atelier_model::{Design, DevPlan, Phase, PhaseOutline, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Format, ImportError, Planned};

/// The form that is written.
const FORMAT: u32 = 1;

/// What stands above the first key.
const HEADING: &str = "\
# A plan. Edit it and give it back with `atelier plan import FILE`: steps that read as before keep
# their results; what you change, and what depends on it, is done anew. A number that a removed step
# had is never given again.
";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    requirement: String,
    #[serde(default)]
    summary: String,
    design: Design,
    phases: Vec<PhaseFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhaseFile {
    number: u32,
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    requirements: Vec<String>,
    #[serde(default)]
    depends_on: Vec<u32>,
    #[serde(default)]
    steps: Vec<Step>,
}

/// Reads a plan in our own form, as TOML or as JSON.
pub fn read(text: &str) -> Result<Planned, ImportError> {
    let raw: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text)?
    } else {
        toml::from_str(text).map_err(|error| ImportError::Toml(Box::new(error)))?
    };
    let found = raw.get("format").and_then(Value::as_u64);
    let found = found.ok_or_else(|| ImportError::Missing("the key `format`".to_owned()))?;
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    if found > FORMAT {
        return Err(ImportError::Newer {
            found,
            known: FORMAT,
        });
    }
    let file = PlanFile::deserialize(&raw)?;
    // A mistyped key of a step would otherwise be a wish that nobody hears.
    if let Some(key) = unknown(&raw, &serde_json::to_value(&file)?, "") {
        return Err(ImportError::Key(key));
    }
    Ok(Planned {
        format: Format::Atelier,
        run: file.run.clone(),
        requirement: file.requirement.clone(),
        plan: file.plan(),
        notes: Vec::new(),
    })
}

impl PlanFile {
    fn plan(self) -> DevPlan {
        let phase = |phase: PhaseFile| Phase {
            outline: PhaseOutline {
                number: phase.number,
                title: phase.title,
                description: phase.description,
                requirements: phase.requirements,
                depends_on: phase.depends_on,
            },
            steps: phase.steps,
        };
        DevPlan {
            design: self.design,
            summary: self.summary,
            phases: self.phases.into_iter().map(phase).collect(),
        }
    }
}

/// The first key that is given and not understood.
fn unknown(given: &Value, understood: &Value, at: &str) -> Option<String> {
    match (given, understood) {
        (Value::Object(given), Value::Object(understood)) => {
            given.iter().find_map(|(key, value)| {
                let path = if at.is_empty() {
                    key.clone()
                } else {
                    format!("{at}.{key}")
                };
                match understood.get(key) {
                    Some(known) => unknown(value, known, &path),
                    None => Some(path),
                }
            })
        }
        (Value::Array(given), Value::Array(understood)) => {
            let mut pairs = given.iter().zip(understood).enumerate();
            pairs.find_map(|(index, (one, known))| unknown(one, known, &format!("{at}[{index}]")))
        }
        _ => None,
    }
}

/// Writes a plan in our own form as TOML.
pub fn write(run: Option<&str>, requirement: &str, plan: &DevPlan) -> String {
    let phase = |phase: &Phase| PhaseFile {
        number: phase.outline.number,
        title: phase.outline.title.clone(),
        description: phase.outline.description.clone(),
        requirements: phase.outline.requirements.clone(),
        depends_on: phase.outline.depends_on.clone(),
        steps: phase.steps.clone(),
    };
    let file = PlanFile {
        format: FORMAT,
        run: run.map(str::to_owned),
        requirement: requirement.to_owned(),
        summary: plan.summary.clone(),
        design: plan.design.clone(),
        phases: plan.phases.iter().map(phase).collect(),
    };
    // Every value of a plan has a form in TOML: there is no null that is not left out, and no map
    // whose keys are not texts.
    let text = toml::to_string_pretty(&file).unwrap_or_default();
    format!("{HEADING}\n{text}")
}
