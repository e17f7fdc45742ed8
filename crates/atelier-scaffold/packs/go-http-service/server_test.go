package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// settings looks names up in pairs of name and value.
func settings(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func status(t *testing.T, address string) int {
	t.Helper()
	answer, err := http.Get(address + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// address reads where a service says it listens.
func address(t *testing.T, output io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

func TestItAnswersUntilTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, settings("PORT", "0"), writer) }()
	where := address(t, reader)
	if got := status(t, where); got != http.StatusOK {
		t.Errorf("got %d", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v, want a quiet end", err)
	}
	if _, err := http.Get(where); err == nil {
		t.Error("it still listens")
	}
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reader, writer := io.Pipe()
	go func() { _ = run(ctx, settings("PORT", "0"), writer) }()
	where := address(t, reader)
	port := where[strings.LastIndex(where, ":")+1:]
	if err := run(ctx, settings("PORT", port), io.Discard); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

func TestPortsAreNumbersInRange(t *testing.T) {
	for _, text := range []string{"0", "80", "65535"} {
		if _, err := parsePort(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "-1", "65536", "80x", " 80"} {
		if _, err := parsePort(text); err == nil {
			t.Errorf("%q is no port", text)
		}
	}
}

// The test binary becomes the service when this variable is set.
const actAsService = "ACT_AS_SERVICE"

func TestMain(m *testing.M) {
	if os.Getenv(actAsService) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func service(port string) *exec.Cmd {
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), actAsService+"=1", "HOST=127.0.0.1", "PORT="+port)
	return process
}

func TestASignalStopsTheProcessGracefully(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGTERM to handle")
	}
	process := service("0")
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = process.Process.Kill() }()
	if got := status(t, address(t, output)); got != http.StatusOK {
		t.Errorf("got %d", got)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("got %v, want exit code 0", err)
	}
}

func TestAPortThatIsNoneIsAUsageError(t *testing.T) {
	_, err := service("http").Output()
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		t.Fatalf("got %v, want a usage error", err)
	}
	if ended.ExitCode() != 2 || !strings.Contains(string(ended.Stderr), "PORT must be a number") {
		t.Errorf("got code %d and %q", ended.ExitCode(), ended.Stderr)
	}
}
