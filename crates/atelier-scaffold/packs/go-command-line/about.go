package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// about says what this program is, as text or as one JSON object.
func about(arguments []string, output io.Writer) error {
	flags := newFlags("about")
	asJSON := flags.Bool("json", false, "")
	help, err := parse(flags, arguments)
	switch {
	case err != nil:
		return err
	case help:
		return printHelp(output)
	case flags.NArg() > 0:
		return mistake{fmt.Sprintf("unexpected argument `%s`", flags.Arg(0))}
	case *asJSON:
		return json.NewEncoder(output).Encode(map[string]string{
			"name": name, "version": version, "summary": summary,
		})
	}
	_, err = fmt.Fprintf(output, "%s %s\n%s.\n", name, version, summary)
	return err
}
