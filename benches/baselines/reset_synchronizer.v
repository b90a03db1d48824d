// Reset synchroniser in plain Verilog: what the generated one is compared with.

`default_nettype none

module plain_reset_synchronizer #(
  parameter STAGES = 2
) (
  input  wire clk_i,
  input  wire rst_ni,
  output wire rst_no
);
  reg [STAGES-1:0] stages_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) stages_q <= 0;
    else stages_q <= {stages_q[STAGES-2:0], 1'b1};
  end

  assign rst_no = stages_q[STAGES-1];
endmodule

`default_nettype wire
