package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// outcome is what one invocation leaves behind.
type outcome struct {
	code             int
	output, messages string
}

func invoke(arguments ...string) outcome {
	var output, messages bytes.Buffer
	code := run(arguments, &output, &messages)
	return outcome{code, output.String(), messages.String()}
}

// refuses expects a usage error whose message mentions a text.
func refuses(t *testing.T, mentions string, arguments ...string) {
	t.Helper()
	got := invoke(arguments...)
	if got.code != usageError || got.output != "" || !strings.Contains(got.messages, mentions) {
		t.Errorf("%q: got %+v, want a usage error with %q", arguments, got, mentions)
	}
}

func TestHelpExplainsTheUsage(t *testing.T) {
	for _, option := range []string{"-h", "--help", "-help"} {
		got := invoke(option)
		if got.code != success || got.messages != "" {
			t.Errorf("%s: got %+v", option, got)
		}
		if !strings.Contains(got.output, "Usage: "+name+" ") || !strings.Contains(got.output, "about") {
			t.Errorf("%s: got %q", option, got.output)
		}
	}
}

func TestVersionIsOneLine(t *testing.T) {
	want := outcome{success, name + " " + version + "\n", ""}
	for _, option := range []string{"-V", "--version"} {
		if got := invoke(option); got != want {
			t.Errorf("%s: got %+v, want %+v", option, got, want)
		}
	}
}

func TestUnknownOptionIsNamed(t *testing.T) {
	refuses(t, "-colour", "--colour")
	refuses(t, "-colour", "about", "--colour")
}

func TestUnknownCommandIsNamed(t *testing.T) {
	refuses(t, "`abuot`", "abuot")
	refuses(t, "``", "")
}

func TestMissingCommandIsAUsageError(t *testing.T) {
	refuses(t, "a command is missing")
}

func TestArgumentTooManyIsNamed(t *testing.T) {
	refuses(t, "`now`", "about", "now")
}

func TestAboutSaysWhatTheProgramIs(t *testing.T) {
	want := outcome{success, name + " " + version + "\n" + summary + ".\n", ""}
	if got := invoke("about"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAboutAsJSONIsOneObject(t *testing.T) {
	var got map[string]string
	if err := json.Unmarshal([]byte(invoke("about", "--json").output), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got["name"] != name || got["version"] != version || got["summary"] != summary {
		t.Errorf("got %v", got)
	}
}

// broken is an output that cannot be written to.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestOutputThatFailsIsAFailure(t *testing.T) {
	var messages bytes.Buffer
	if code := run([]string{"about"}, broken{}, &messages); code != failure {
		t.Errorf("got exit code %d, want %d", code, failure)
	}
	if !strings.Contains(messages.String(), "the disk is full") {
		t.Errorf("got %q", messages.String())
	}
}

// The test binary becomes the program when this variable is set.
const actAsProgram = "ACT_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(actAsProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestProcessEndsWithTheExitCode(t *testing.T) {
	process := exec.Command(os.Args[0], "--no-such-option")
	process.Env = append(os.Environ(), actAsProgram+"=1")
	_, err := process.Output()
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		t.Fatalf("got %v, want a usage error", err)
	}
	if ended.ExitCode() != usageError || !strings.Contains(string(ended.Stderr), "-no-such-option") {
		t.Errorf("got code %d and %q", ended.ExitCode(), ended.Stderr)
	}
}
