#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0-or-later
// Runs one QMP command over a plain socket and prints what it returns. Needs no package.
//
// usage: query.js SOCKET COMMAND [ARGUMENTS as JSON]
'use strict';
const net = require('net');
const readline = require('readline');

class Qmp {
  // Resolves when commands can be executed.
  static async connect(path) {
    const qmp = new Qmp();
    qmp.events = [];
    qmp.socket = net.connect(path);
    const messages = readline.createInterface({input: qmp.socket});  // one message a line
    qmp.waiting = [];  // replies come in the order of the requests
    const greeting = new Promise((resolve, reject) => qmp.waiting.push({resolve, reject}));
    messages.on('line', (line) => qmp.take(JSON.parse(line)));
    qmp.socket.on('error', (error) => qmp.fail(error));
    qmp.socket.on('close', () => qmp.fail(new Error('the server has closed the connection')));
    qmp.greeting = await greeting;
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  execute(command, args) {
    return new Promise((resolve, reject) => {
      this.waiting.push({resolve, reject});
      this.socket.write(JSON.stringify({execute: command, arguments: args}) + '\n');
    });
  }

  take(message) {
    if ('event' in message) {  // may come between request and reply
      this.events.push(message);
      return;
    }
    const {resolve, reject} = this.waiting.shift();
    if ('error' in message) {
      reject(new Error(`${message.error.class}: ${message.error.desc}`));
    } else {
      resolve('QMP' in message ? message.QMP : message.return);
    }
  }

  fail(error) {
    for (const {reject} of this.waiting.splice(0)) reject(error);
  }

  close() { this.socket.end(); }
}

async function main(path, command, args) {
  if (command === undefined) throw new Error('usage: query.js SOCKET COMMAND [ARGUMENTS as JSON]');
  const qmp = await Qmp.connect(path);
  try {
    console.log(JSON.stringify(await qmp.execute(command, args && JSON.parse(args)), null, 4));
  } finally {
    qmp.close();
  }
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
