package {{package}}

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LengthMax is the most characters a label may have.
const LengthMax = 80

// Why a text is no label; test for them with errors.Is.
var (
	// ErrEmpty says that nothing is left without the blanks.
	ErrEmpty = errors.New("a label must not be empty")
	// ErrTooLong says that there are more than LengthMax characters.
	ErrTooLong = errors.New("the label is too long")
	// ErrControl says that there is a line break or another control character.
	ErrControl = errors.New("a label is one line of visible text")
	// ErrEncoding says that the text is not valid UTF-8.
	ErrEncoding = errors.New("a label is valid UTF-8")
)

// A Label is a short text a person gave: one line of visible text without
// blanks around it, neither empty nor too long. The zero Label is none; make
// labels with [ParseLabel]. Labels can be compared with ==.
type Label struct {
	text string
}

// ParseLabel makes a label of a text; blanks around it are dropped.
func ParseLabel(text string) (Label, error) {
	text = strings.TrimSpace(text)
	length := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text):
		return Label{}, ErrEncoding
	case length == 0:
		return Label{}, ErrEmpty
	case length > LengthMax:
		return Label{}, fmt.Errorf("%w: %d characters, at most %d", ErrTooLong, length, LengthMax)
	case strings.ContainsFunc(text, unicode.IsControl):
		return Label{}, ErrControl
	}
	return Label{text}, nil
}

// String returns the text of the label.
func (l Label) String() string { return l.text }

// MarshalText returns the text of the label.
func (l Label) MarshalText() ([]byte, error) {
	return []byte(l.text), nil
}

// UnmarshalText makes the label of a text, as [ParseLabel] does.
func (l *Label) UnmarshalText(text []byte) error {
	label, err := ParseLabel(string(text))
	if err != nil {
		return err
	}
	*l = label
	return nil
}
