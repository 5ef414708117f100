// Copyright (c) 2026, the fullchain.tls contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The Node.js client: `node client.js CASES` prints one JSON list, "" for each accepted case, else the error.
const fs = require("fs");
const net = require("net");
const tls = require("tls");

function connect(testCase) {
  return new Promise((resolve) => {
    const name = testCase.server_name;
    const options = { host: "127.0.0.1", port: testCase.port, ca: testCase.trust };
    if (testCase.client) options.cert = options.key = testCase.client;
    if (!net.isIP(name)) options.servername = name;
    options.checkServerIdentity = (_host, certificate) => tls.checkServerIdentity(name, certificate);
    const socket = tls.connect(options, () => { socket.destroy(); resolve(""); });
    socket.on("error", (error) => resolve(`${error.code}: ${error.message}`));
  });
}

const cases = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
Promise.all(cases.map(connect)).then((answers) => console.log(JSON.stringify(answers)));
