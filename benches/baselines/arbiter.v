// Round-robin arbiter in plain Verilog: what the generated one is compared with. Two arbiters of
// fixed priority, the first for those behind the last grant.

`default_nettype none

module plain_arbiter #(
  parameter REQUESTERS = 4,
  parameter INDEX_WIDTH = 2,
  parameter HOLD = 1  // a grant stays until it is taken
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  input  wire [REQUESTERS-1:0]  request_i,
  input  wire                   advance_i,
  output reg  [REQUESTERS-1:0]  grant_o,
  output reg  [INDEX_WIDTH-1:0] index_o
);
  reg [REQUESTERS-1:0] mask_q;  // those behind the last grant
  reg [REQUESTERS-1:0] held_q;  // the grant that was not taken

  wire [REQUESTERS-1:0] behind = request_i & mask_q;
  wire [REQUESTERS-1:0] candidates = (|behind) ? behind : request_i;

  reg     found;
  integer i;
  always @* begin
    found = 1'b0;
    grant_o = 0;
    for (i = 0; i < REQUESTERS; i = i + 1) begin
      grant_o[i] = candidates[i] && !found;
      found = found || candidates[i];
    end
    if (HOLD && |(held_q & request_i)) grant_o = held_q;
    index_o = 0;
    for (i = 0; i < REQUESTERS; i = i + 1) begin
      if (grant_o[i]) index_o = index_o | i[INDEX_WIDTH-1:0];
    end
  end

  reg [REQUESTERS-1:0] mask_d;
  reg                  seen;
  integer j;
  always @* begin
    seen = 1'b0;
    for (j = 0; j < REQUESTERS; j = j + 1) begin
      mask_d[j] = seen;
      seen = seen || grant_o[j];
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      mask_q <= 0;
      held_q <= 0;
    end else begin
      if (advance_i && |request_i) mask_q <= mask_d;
      held_q <= advance_i ? 0 : grant_o;
    end
  end
endmodule

`default_nettype wire
