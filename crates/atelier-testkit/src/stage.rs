//! What a conversation is about, as its first line tells.

/// The stage a request belongs to, read from the first line of its first user message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageSeen {
    /// `# DESIGN`
    Design,
    /// `# BASIC PLAN`
    Plan,
    /// `# DETAILED PLAN: PHASE <n>`
    Detail {
        /// The phase's number.
        phase: u32,
    },
    /// `# HANDOFF`
    Handoff,
    /// `# EXECUTE TASK <number>: <title>`
    Code {
        /// The step's number.
        number: String,
        /// The task's title.
        title: String,
    },
    /// `# REVIEW TASK <number>: <title>`
    Review {
        /// The task's id.
        number: String,
    },
    /// `# CHANGE THE PLAN`
    Change,
    /// `# SUMMARY`
    Summary,
    /// `# PROJECT DOCUMENTS`
    Docs,
    /// Anything else, with the line as it was.
    Unknown(String),
}

impl StageSeen {
    /// Reads the stage from the text of the first user message.
    pub fn of(first_user_text: &str) -> Self {
        let line = first_user_text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end();
        Self::of_line(line).unwrap_or_else(|| Self::Unknown(line.chars().take(120).collect()))
    }

    fn of_line(line: &str) -> Option<Self> {
        match line {
            "# DESIGN" => return Some(Self::Design),
            "# BASIC PLAN" => return Some(Self::Plan),
            "# CHANGE THE PLAN" => return Some(Self::Change),
            "# SUMMARY" => return Some(Self::Summary),
            "# HANDOFF" => return Some(Self::Handoff),
            "# PROJECT DOCUMENTS" => return Some(Self::Docs),
            _ => {}
        }
        if let Some(phase) = line.strip_prefix("# DETAILED PLAN: PHASE ") {
            return phase.parse().ok().map(|phase| Self::Detail { phase });
        }
        if let Some(review) = line.strip_prefix("# REVIEW TASK ") {
            let (number, _) = review.split_once(": ")?;
            let number = number.to_owned();
            return Some(Self::Review { number });
        }
        let (number, title) = line.strip_prefix("# EXECUTE TASK ")?.split_once(": ")?;
        Some(Self::Code {
            number: number.to_owned(),
            title: title.to_owned(),
        })
    }

    /// The number of the task, where code is asked for.
    pub fn task(&self) -> Option<&str> {
        if let Self::Code { number, .. } = self {
            Some(number)
        } else {
            None
        }
    }
}
