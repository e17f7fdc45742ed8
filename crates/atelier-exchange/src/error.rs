//! Why a plan could not be read.

/// Why a plan could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no file.
    #[error("find a plan: there is no file")]
    Nothing,
    /// One file was expected.
    #[error("read one plan from several files: {}", .0.join(", "))]
    Several(Vec<String>),
    /// The form cannot be told.
    #[error("tell in which form `{0}` is: name it with --format")]
    Unknown(String),
    /// It is not TOML.
    #[error("read the plan as TOML")]
    Toml(#[source] Box<toml::de::Error>),
    /// It is not the JSON that was expected.
    #[error("read the plan as JSON")]
    Json(#[from] serde_json::Error),
    /// It is written by a newer version.
    #[error("read a plan of format {found}: this version knows formats up to {known}")]
    Newer {
        /// Its format.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// It has a key that means nothing, most likely a mistyped one.
    #[error("understand the key `{0}` of the plan")]
    Key(String),
    /// It lacks something.
    #[error("find {0} in the plan")]
    Missing(String),
    /// There are several lists and none was chosen.
    #[error("choose between the lists {}: name one with --tag", .0.join(", "))]
    Tags(Vec<String>),
    /// There is no list of this name.
    #[error("find the list {name}; there are {known}")]
    NoTag {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Two tasks have one name.
    #[error("tell the tasks apart that are named {}", .0.join(", "))]
    Twice(Vec<String>),
    /// There is nothing left to do.
    #[error("find a task that is still to be done")]
    AllDone,
}

impl ImportError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Toml(_) | Self::Json(_) | Self::Key(_) => {
                "mend the file at the place that is named, and import it again"
            }
            Self::Twice(_) => "give each task a name of its own, and import the file again",
            Self::AllDone => {
                "everything in it is done or was given up; open a task again, or add one"
            }
            Self::Newer { .. } => "import it with a newer version of Atelier",
            Self::Nothing
            | Self::Several(_)
            | Self::Unknown(_)
            | Self::Missing(_)
            | Self::Tags(_)
            | Self::NoTag { .. } => {
                "see the guide on plans for the forms that can be read; name the form with --format"
            }
        }
    }
}
