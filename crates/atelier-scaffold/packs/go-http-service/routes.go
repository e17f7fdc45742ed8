package main

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// A response is a status and a JSON document.
type response struct {
	status   int
	document map[string]string
}

// paths are all of them; each answers GET and HEAD.
var paths = map[string]func() response{
	"/":       about,
	"/health": health,
}

// health says that the service is well.
func health() response {
	return response{http.StatusOK, map[string]string{"status": "ok"}}
}

// about says what the service is.
func about() response {
	return response{http.StatusOK, map[string]string{
		"name": name, "version": version, "summary": summary,
	}}
}

// routes answers every request with JSON.
func routes() http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		path := request.URL.Path
		route, known := paths[path]
		switch {
		case !known:
			write(writer, request, problem(http.StatusNotFound, "there is nothing at "+path))
		case request.Method != http.MethodGet && request.Method != http.MethodHead:
			writer.Header().Set("Allow", "GET, HEAD")
			text := path + " does not answer " + request.Method
			write(writer, request, problem(http.StatusMethodNotAllowed, text))
		default:
			write(writer, request, route())
		}
	})
}

// problem is a response that says what is wrong.
func problem(status int, text string) response {
	return response{status, map[string]string{"error": text}}
}

func write(writer http.ResponseWriter, request *http.Request, answer response) {
	body, err := json.Marshal(answer.document)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	body = append(body, '\n')
	writer.Header().Set("Content-Type", "application/json")
	writer.Header().Set("Content-Length", strconv.Itoa(len(body)))
	writer.WriteHeader(answer.status)
	if request.Method != http.MethodHead {
		// A client that has gone away cannot be told.
		_, _ = writer.Write(body)
	}
}
