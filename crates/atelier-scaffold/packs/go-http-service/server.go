package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

const (
	// headerTime is how long a client may take to send the headers.
	headerTime = 10 * time.Second
	// requestTime is how long a client may take to send a request.
	requestTime = 30 * time.Second
	// stopTime is how long requests under way may take once the service stops.
	stopTime = 10 * time.Second
)

// serve answers requests until the context ends and those under way are answered.
func serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           routes(),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      requestTime,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err := server.Shutdown(patience)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		return served
	}
	return err
}
