// Synchronous RAM in plain Verilog: what the generated one is compared with.

`default_nettype none

module plain_sync_ram #(
  parameter WIDTH = 32,
  parameter DEPTH = 256,
  parameter ADDRESS_WIDTH = 8
) (
  input  wire                     clk_i,
  input  wire                     write_enable_i,
  input  wire [ADDRESS_WIDTH-1:0] write_address_i,
  input  wire [WIDTH-1:0]         write_data_i,
  input  wire                     read_enable_i,
  input  wire [ADDRESS_WIDTH-1:0] read_address_i,
  output reg  [WIDTH-1:0]         read_data_o
);
  reg [WIDTH-1:0] mem [0:DEPTH-1];

  generate
    if (DEPTH == (1 << ADDRESS_WIDTH)) begin : gen_full
      always @(posedge clk_i) begin
        if (write_enable_i) mem[write_address_i] <= write_data_i;
        if (read_enable_i) read_data_o <= mem[read_address_i];
      end
    end else begin : gen_beyond
      always @(posedge clk_i) begin
        if (write_enable_i && write_address_i < DEPTH) mem[write_address_i] <= write_data_i;
        if (read_enable_i) read_data_o <= (read_address_i < DEPTH) ? mem[read_address_i] : 0;
      end
    end
  endgenerate
endmodule

`default_nettype wire
