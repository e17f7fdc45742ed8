// The process: reads HOST and PORT, serves until it is asked to stop.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

const (
	name    = "{{name}}"
	version = "0.1.0"
	summary = {{summary_string}}
)

const (
	hostDefault = "127.0.0.1"
	portDefault = "8080"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.LookupEnv, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		stop()
		os.Exit(2)
	}
}

// run listens where the settings say and serves until the context ends.
func run(ctx context.Context, lookup func(string) (string, bool), output io.Writer) error {
	setting := func(name, otherwise string) string {
		if value, ok := lookup(name); ok {
			return value
		}
		return otherwise
	}
	port, err := parsePort(setting("PORT", portDefault))
	if err != nil {
		return err
	}
	host := setting("HOST", hostDefault)
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	fmt.Fprintf(output, "listening on http://%s\n", listener.Addr())
	return serve(ctx, listener)
}

// parsePort reads the port a text names; 0 means any free one.
func parsePort(text string) (uint16, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("PORT must be a number from 0 to 65535, not %q", text)
	}
	return uint16(port), nil
}
