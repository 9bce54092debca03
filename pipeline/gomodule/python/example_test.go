package python_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/goempy/goempy/python"
)

func ExampleNewEmbeddedPython() {
	ep, err := python.NewEmbeddedPython("myapp")
	if err != nil {
		fmt.Println(err)
		return
	}
	cmd, err := ep.PythonCmd("-c", "print('hello')")
	if err != nil {
		fmt.Println(err)
		return
	}
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
}

func ExampleEmbeddedPython_PythonCmdContext() {
	ep, err := python.NewEmbeddedPython("myapp", python.WithLazyExtract())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd, err := ep.PythonCmdContext(ctx, "-m", "http.server")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cmd.Run())
}
