package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

const (
	name    = "{{name}}"
	version = "0.1.0"
	summary = {{summary_string}}
)

// Exit codes.
const (
	success    = 0
	failure    = 1
	usageError = 2
)

// A command is one thing the program can do.
type command struct {
	name    string
	summary string
	// run does it with the arguments after the command's name.
	run func(arguments []string, output io.Writer) error
}

// commands are all of them, in the order of the help text.
func commands() []command {
	return []command{
		{name: "about", summary: "Say what this program is", run: about},
	}
}

// A mistake is an error in the arguments.
type mistake struct {
	text string
}

func (m mistake) Error() string { return m.text }

// run does what the arguments ask for and returns the exit code.
func run(arguments []string, output, messages io.Writer) int {
	err := dispatch(arguments, output)
	var wrong mistake
	switch {
	case err == nil:
		return success
	case errors.As(err, &wrong):
		fmt.Fprintf(messages, "%s: %v\nTry `%s --help`.\n", name, wrong, name)
		return usageError
	default:
		fmt.Fprintf(messages, "%s: %v\n", name, err)
		return failure
	}
}

func dispatch(arguments []string, output io.Writer) error {
	flags := newFlags(name)
	showVersion := flags.Bool("version", false, "")
	flags.BoolVar(showVersion, "V", false, "")
	help, err := parse(flags, arguments)
	switch {
	case err != nil:
		return err
	case help:
		return printHelp(output)
	case *showVersion:
		_, err := fmt.Fprintf(output, "%s %s\n", name, version)
		return err
	case flags.NArg() == 0:
		return mistake{"a command is missing"}
	}
	for _, command := range commands() {
		if command.name == flags.Arg(0) {
			return command.run(flags.Args()[1:], output)
		}
	}
	return mistake{fmt.Sprintf("there is no command `%s`", flags.Arg(0))}
}

// newFlags is a set of flags that leaves all printing to its caller.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parse reads flags and says whether help was asked for.
func parse(flags *flag.FlagSet, arguments []string) (help bool, err error) {
	err = flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return true, nil
	case err != nil:
		return false, mistake{err.Error()}
	default:
		return false, nil
	}
}

func printHelp(output io.Writer) error {
	text := summary + ".\n\nUsage: " + name + " [OPTIONS] COMMAND\n\nCommands:\n"
	for _, command := range commands() {
		text += fmt.Sprintf("  %-16s %s\n", command.name, command.summary)
	}
	text += `
Options:
  -h, --help       Print this text
  -V, --version    Print the version

Option of about:
      --json       Answer as one JSON object
`
	_, err := io.WriteString(output, text)
	return err
}
