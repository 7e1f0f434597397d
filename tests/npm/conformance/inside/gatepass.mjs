// The installed package.

export * from "gatepass";
