package {{package}}_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"example.com/{{name}}"
)

func accepts(t *testing.T, text, want string) {
	t.Helper()
	label, err := {{package}}.ParseLabel(text)
	if err != nil || label.String() != want {
		t.Errorf("%q: got %q and %v, want %q", text, label, err, want)
	}
}

func refuses(t *testing.T, text string, want error) {
	t.Helper()
	label, err := {{package}}.ParseLabel(text)
	if !errors.Is(err, want) || label != ({{package}}.Label{}) {
		t.Errorf("%q: got %q and %v, want %v", text, label, err, want)
	}
}

func TestBlanksAroundTheTextAreDropped(t *testing.T) {
	accepts(t, "  Shopping list\n", "Shopping list")
}

func TestAnyScriptIsWelcome(t *testing.T) {
	for _, text := range []string{"Einkäufe", "買い物", "🛒"} {
		accepts(t, text, text)
	}
}

func TestNothingIsNoLabel(t *testing.T) {
	for _, text := range []string{"", " ", "\t\n"} {
		refuses(t, text, {{package}}.ErrEmpty)
	}
}

func TestTheLongestLabelIsAcceptedAndOneMoreRefused(t *testing.T) {
	longest := strings.Repeat("é", {{package}}.LengthMax)
	accepts(t, longest, longest)
	refuses(t, longest+"é", {{package}}.ErrTooLong)
}

func TestControlCharactersAreRefused(t *testing.T) {
	for _, text := range []string{"two\nlines", "a\x00b", "a\x1b[31mb"} {
		refuses(t, text, {{package}}.ErrControl)
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	refuses(t, "a\xffb", {{package}}.ErrEncoding)
}

func TestLabelsGoThroughJSONAndAreCheckedOnTheWay(t *testing.T) {
	var label {{package}}.Label
	if err := json.Unmarshal([]byte(`" a "`), &label); err != nil || label.String() != "a" {
		t.Errorf("got %q and %v", label, err)
	}
	if text, err := json.Marshal(label); err != nil || string(text) != `"a"` {
		t.Errorf("got %s and %v", text, err)
	}
	if err := json.Unmarshal([]byte(`""`), &label); !errors.Is(err, {{package}}.ErrEmpty) {
		t.Errorf("got %v, want %v", err, {{package}}.ErrEmpty)
	}
}

func ExampleParseLabel() {
	label, err := {{package}}.ParseLabel("  Shopping list ")
	fmt.Println(label, err)
	// Output: Shopping list <nil>
}
