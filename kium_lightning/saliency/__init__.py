"""Where a net looks: heat maps by Grad-CAM, laid over the original pictures and scored against known aneurysms."""
