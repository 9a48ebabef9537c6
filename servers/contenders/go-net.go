// Go's net package, as short as it gets: {port} {address}, a goroutine for each connection, on the runtime's event loop.
package main

import (
	"fmt"
	"net"
	"os"
)

func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, 4096)
	for {
		received, err := connection.Read(buffer)
		if err != nil {
			return // its end, or a reset: the client's business
		}
		if _, err := connection.Write(buffer[:received]); err != nil {
			return
		}
	}
}

// The backlog is net.core.somaxconn, and TCP_NODELAY is set: Go's defaults.
func main() {
	listener, err := net.Listen("tcp", net.JoinHostPort(os.Args[2], os.Args[1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	for {
		if connection, err := listener.Accept(); err == nil {
			go echo(connection)
		}
	}
}
