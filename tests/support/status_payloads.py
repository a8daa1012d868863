"""Statuses as real batteries sent them, recorded by public projects, and the sample of the user's document."""

from __future__ import annotations

import json

DOCUMENT = (
    b'{"Consumption_W":0,"Fac":0,"IsSystemInstalled":1,"Pac total_W":0,"Production_W":0,"RSOC":0,'
    b'"Timestamp":"2016-06-13 11:52:20","USOC":0,"Uac":0,"Ubat":0}'
)
"""The document's sample, compact: the 151 bytes of its Content-Length."""

HOMEBRIDGE_2021 = (
    b'{"Apparent_output":356,"BackupBuffer":"20","BatteryCharging":true,"BatteryDischarging":false,"Consumption_Avg":259,'
    b'"Consumption_W":270,"Fac":50.018966674804688,"FlowConsumptionBattery":false,"FlowConsumptionGrid":false,'
    b'"FlowConsumptionProduction":true,"FlowGridBattery":false,"FlowProductionBattery":true,"FlowProductionGrid":true,'
    b'"GridFeedIn_W":77,"IsSystemInstalled":1,"OperatingMode":"2","Pac_total_W":-344,"Production_W":669,"RSOC":32,'
    b'"RemainingCapacity_W":6841,"Sac1":356,"Sac2":null,"Sac3":null,"SystemStatus":"OnGrid",'
    b'"Timestamp":"2021-01-13 12:11:07","USOC":26,"Uac":237,"Ubat":211}'
)
ECO8_2022 = (
    b'{"Apparent_output":362,"BackupBuffer":"0","BatteryCharging":false,"BatteryDischarging":true,"Consumption_Avg":404,'
    b'"Consumption_W":407,"Fac":49.993003845214844,"FlowConsumptionBattery":true,"FlowConsumptionGrid":true,'
    b'"FlowConsumptionProduction":false,"FlowGridBattery":false,"FlowProductionBattery":false,"FlowProductionGrid":false,'
    b'"GridFeedIn_W":-35,"IsSystemInstalled":1,"OperatingMode":"2","Pac_total_W":371,"Production_W":0,"RSOC":78,'
    b'"RemainingCapacity_Wh":4712,"Sac1":362,"Sac2":null,"Sac3":null,"SystemStatus":"OnGrid",'
    b'"Timestamp":"2022-03-27 19:15:05","USOC":77,"Uac":222,"Ubat":52}'
)
ECOLINX_2023 = (
    b'{"BackupBuffer":"10","BatteryCharging":true,"BatteryDischarging":false,"Consumption_Avg":0,"Consumption_W":0,'
    b'"Fac":60,"FlowConsumptionBattery":false,"FlowConsumptionGrid":false,"FlowConsumptionProduction":false,'
    b'"FlowGridBattery":true,"FlowProductionBattery":true,"FlowProductionGrid":true,"GridFeedIn_W":196,'
    b'"IsSystemInstalled":1,"OperatingMode":"2","Pac_total_W":-1800,"Production_W":1792,"RSOC":52,'
    b'"RemainingCapacity_W":5432,"SystemStatus":"OnGrid","Timestamp":"2023-02-09 14:50:32","USOC":49,'
    b'"Uac":237,"Ubat":54}'
)
SB10_2021 = (
    b'{"Apparent_output":680,"BackupBuffer":"0","BatteryCharging":false,"BatteryDischarging":true,"Consumption_Avg":816,'
    b'"Consumption_W":719,"Fac":50.00437545776367,"FlowConsumptionBattery":true,"FlowConsumptionGrid":true,'
    b'"FlowConsumptionProduction":false,"FlowGridBattery":false,"FlowProductionBattery":false,"FlowProductionGrid":false,'
    b'"GridFeedIn_W":-35,"IsSystemInstalled":1,"OperatingMode":"2","Pac_total_W":687,"Production_W":0,"RSOC":84,'
    b'"RemainingCapacity_W":8665,"Sac1":680,"Sac2":null,"Sac3":null,"SystemStatus":"OnGrid",'
    b'"Timestamp":"2021-03-05 18:30:27","USOC":82,"Uac":227,"Ubat":210,"dischargeNotAllowed":false,'
    b'"generator_autostart":false}'
)
SB10_2022 = (
    b'{"BackupBuffer":"15","BatteryCharging":false,"BatteryDischarging":true,"Consumption_Avg":457,"Consumption_W":436,'
    b'"Fac":49.9890022277832,"FlowConsumptionBattery":true,"FlowConsumptionGrid":true,"FlowConsumptionProduction":true,'
    b'"FlowGridBattery":false,"FlowProductionBattery":false,"FlowProductionGrid":false,"GridFeedIn_W":-28,'
    b'"IsSystemInstalled":1,"OperatingMode":"2","Pac_total_W":329,"Production_W":64,"RSOC":75,'
    b'"RemainingCapacity_Wh":15503,"SystemStatus":"OnGrid","Timestamp":"2022-06-23 06:44:27","USOC":73,"Uac":237,'
    b'"Ubat":212,"dischargeNotAllowed":false,"generator_autostart":false}'
)
THREE_PHASE_2023 = (
    b'{"Apparent_output":240,"BackupBuffer":"0","BatteryCharging":false,"BatteryDischarging":false,"Consumption_Avg":565,'
    b'"Consumption_W":560,"Fac":50.0099983215332,"FlowConsumptionBattery":false,"FlowConsumptionGrid":false,'
    b'"FlowConsumptionProduction":true,"FlowGridBattery":false,"FlowProductionBattery":false,"FlowProductionGrid":true,'
    b'"GridFeedIn_W":1960,"IsSystemInstalled":1,"OperatingMode":"2","Pac_total_W":-5,"Production_W":2525,"RSOC":100,'
    b'"RemainingCapacity_Wh":8283,"Sac1":80,"Sac2":80,"Sac3":79,"SystemStatus":"OnGrid",'
    b'"Timestamp":"2023-03-01 15:02:45","USOC":100,"Uac":243,"Ubat":55,"dischargeNotAllowed":false,'
    b'"generator_autostart":false}'
)
LATEST_DATA_2022 = (
    b'{"Consumption_W":467,"FullChargeCapacity":9765,"GridFeedIn_W":-29,"Pac_total_W":346,"Production_W":62,"RSOC":75,'
    b'"SetPoint_W":370,"Timestamp":"2022-06-23 06:43:17","USOC":73,"UTC_Offet":2,"ic_status":{}}'
)


def changed(payload: bytes = ECO8_2022, **values: object) -> bytes:
    """Return a payload with some keys changed."""
    return json.dumps({**json.loads(payload), **values}).encode()


def without(*keys: str, payload: bytes = ECO8_2022) -> bytes:
    """Return a payload without some keys."""
    return json.dumps({key: value for key, value in json.loads(payload).items() if key not in keys}).encode()
