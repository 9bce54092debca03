// Command worker serves templates that are rendered by Python, in four processes that stay:
//
//	go run ./example/worker &
//	curl 'localhost:8080/hello?name=world'
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/goempy/goempy/embed_util"
	"github.com/goempy/goempy/python"
	"github.com/goempy/goempy/python/worker"
)

//go:embed render.py
var source embed.FS

var templates = map[string]string{
	"hello":   "Hello $name!\n",
	"goodbye": "Goodbye $name, it is $hour o'clock.\n",
}

// request is the argument of the function render in render.py.
type request struct {
	Template string            `json:"template"`
	Values   map[string]string `json:"values"`
}

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string) error {
	pool, err := newPool()
	if err != nil {
		return err
	}
	defer pool.Close()
	server := &http.Server{Addr: addr, Handler: handler(pool), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newPool() (*worker.Pool, error) {
	ep, err := python.NewEmbeddedPython("worker-example")
	if err != nil {
		return nil, err
	}
	code, err := embed_util.NewEmbeddedFiles(source, "worker-example-code")
	if err != nil {
		return nil, err
	}
	ep.AddPythonPath(code.GetExtractedPath())
	return worker.NewPool(ep, "render", worker.Size(4), worker.Init("load", templates))
}

// handler renders the template that the path names, with the query's values.
func handler(pool *worker.Pool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := map[string]string{}
		for name := range r.URL.Query() {
			values[name] = r.URL.Query().Get(name)
		}
		text, err := worker.Call[request, string](r.Context(), pool, "render", request{r.URL.Path[1:], values})
		var exception *worker.PythonError
		switch {
		case errors.As(err, &exception) && exception.Is(worker.Exception("KeyError")):
			http.Error(w, "no such template or value: "+exception.Message, http.StatusNotFound)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			fmt.Fprint(w, text)
		}
	})
}
