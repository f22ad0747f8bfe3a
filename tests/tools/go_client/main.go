// SPDX-License-Identifier: GPL-2.0-or-later

// usage: go_client SOCKET IOTHREAD — controls the daemon on the socket with go-qemu, an independent QMP library for
// QEMU. The daemon must have an I/O thread of that name. Sends quit at the end.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
	"github.com/digitalocean/go-qemu/qmp/raw"
)

const patience = time.Minute

func check(ok bool, format string, words ...interface{}) {
	if !ok {
		log.Fatalf(format, words...)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func connect(path string) *qmp.SocketMonitor {
	monitor, err := qmp.NewSocketMonitor("unix", path, patience)
	must(err)
	must(monitor.Connect())
	return monitor
}

// refused requires an error with this text.
func refused(err error, text string) {
	check(err != nil && err.Error() == text, "expected %q, got %v", text, err)
}

func greeting(monitor *qmp.SocketMonitor) {
	version, err := raw.NewMonitor(monitor).QueryVersion()
	must(err)
	told := fmt.Sprintf("%d.%d.%d", version.Qemu.Major, version.Qemu.Minor, version.Qemu.Micro)
	check(told == monitor.Version.String(), "query-version says %s, the greeting %s", told, monitor.Version)
	check(len(monitor.Capabilities) == 1 && monitor.Capabilities[0] == "oob", "capabilities %v", monitor.Capabilities)
}

func objects(monitor *qmp.SocketMonitor, first string) {
	typed := raw.NewMonitor(monitor)
	must(typed.ObjectAdd("iothread", "added", nil))
	refused(typed.ObjectAdd("iothread", "added", nil),
		"attempt to add duplicate property 'added' to object (type 'container')")
	refused(typed.ObjectAdd("nope", "x", nil), "Parameter 'qom-type' does not accept value 'nope'")

	threads, err := typed.QueryIothreads()
	must(err)
	check(len(threads) == 2 && threads[0].ID == first && threads[1].ID == "added", "I/O threads: %v", threads)
	check(threads[1].ThreadID > 0 && threads[1].PollMaxNs == 32768, "an I/O thread: %v", threads[1])

	must(typed.QomSet("/objects/added", "poll-max-ns", 4096))
	value, err := typed.QomGet("/objects/added", "poll-max-ns")
	must(err)
	check(value.(float64) == 4096, "poll-max-ns is %v", value)
	refused(typed.QomSet("/objects/added", "poll-max-ns", "5"),
		"Invalid parameter type for 'poll-max-ns', expected: integer")

	properties, err := typed.QomList("/objects")
	must(err)
	check(len(properties) == 3, "/objects has %v", properties) // io0, added and the property type
	implements, abstract := "user-creatable", false
	types, err := typed.QomListTypes(&implements, &abstract)
	must(err)
	found := false
	for _, each := range types {
		found = found || each.Name == "iothread"
	}
	check(found, "user-creatable types: %v", types)

	must(typed.ObjectDel("added"))
	refused(typed.ObjectDel("added"), "object 'added' not found")
}

// errors checks that the connection still works after errors and malformed input.
func errors(monitor *qmp.SocketMonitor) {
	_, err := monitor.Run([]byte(`{"execute": "nope"}`))
	refused(err, "The command nope has not been found")
	_, err = monitor.Run([]byte(`{"execute": "qom-list", "arguments": {}}`))
	refused(err, "Parameter 'path' is missing")
	_, err = monitor.Run([]byte(`{"execute": ]`))
	refused(err, "JSON parse error, expecting value")
	out, err := monitor.Run([]byte(`{"execute": "query-version", "id": "mine"}`))
	must(err)
	var reply struct {
		ID string `json:"id"`
	}
	must(json.Unmarshal(out, &reply))
	check(reply.ID == "mine", "the id came back as %q", reply.ID)
}

func manyClients(path string) {
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func(id string) {
			defer all.Done()
			monitor := connect(path)
			typed := raw.NewMonitor(monitor)
			for j := 0; j < 20; j++ {
				must(typed.ObjectAdd("iothread", id, nil))
				value, err := typed.QomGet("/objects/"+id, "poll-max-ns")
				must(err)
				check(value.(float64) == 32768, "%s: poll-max-ns is %v", id, value)
				must(typed.ObjectDel(id))
			}
			must(monitor.Disconnect())
		}(fmt.Sprintf("client%d", i))
	}
	all.Wait()
}

func quit(watcher, monitor *qmp.SocketMonitor) {
	events, err := watcher.Events(context.Background())
	must(err)
	_, err = monitor.Run([]byte(`{"execute": "quit"}`))
	must(err)
	select {
	case event := <-events:
		check(event.Event == "SHUTDOWN" && event.Data["reason"] == "host-qmp-quit", "event %v", event)
		age := time.Since(time.Unix(event.Timestamp.Seconds, 0))
		check(age > -patience && age < patience, "the event says it is %v old", age)
	case <-time.After(patience):
		log.Fatal("no event")
	}
}

func main() {
	path, first := os.Args[1], os.Args[2]
	watcher, monitor := connect(path), connect(path)
	greeting(monitor)
	objects(monitor, first)
	errors(monitor)
	manyClients(path)
	quit(watcher, monitor)
}
